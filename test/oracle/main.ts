/**
 * Replays the recorded rows against the model and prints how many agree:
 *
 *     main.ts [ID...]                 in process; rows whose id contains one of these, or all
 *     main.ts --mount DIR [ID...]     on a mount (mounted.ts says of what); a sample of the rows, or those named
 */
import { parseArgs } from 'node:util'
import { InProcess } from './in-process.ts'
import { mountedDriver } from './mounted.ts'
import { describeFailure, replayAll, summary } from './runner.ts'
import { sampleForMount, selectedRows } from './selection.ts'

const KERNEL = { rows: '6.12-v2', id: '6.12' }

const { values, positionals } = parseArgs({ options: { mount: { type: 'string' } }, allowPositionals: true })
const all = selectedRows(KERNEL.rows)
const named = all.filter(({ id }) => positionals.some(part => String(id).includes(part)))
const rows = positionals.length > 0 ? named : values.mount === undefined ? all : sampleForMount(all)
const driver = values.mount === undefined ? new InProcess(KERNEL.id) : await mountedDriver(values.mount)
const report = replayAll(rows, driver)
for (const failure of report.failures) console.log(describeFailure(failure))
for (const line of report.stale) console.log(`an exception no longer applies: ${line}`)
console.log(`${KERNEL.rows}, ${driver.door}: ${summary(report)}`)
process.exitCode = report.failures.length + report.stale.length > 0 ? 1 : 0
