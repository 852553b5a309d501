/**
 * Replays the recorded rows against the model and prints how many agree:
 *
 *     main.ts [ID...]                 in process; rows whose id contains one of these, or all
 *     main.ts --recorded 6.1-v1 ...   those of another recording than 6.12-v2: 6.1-v1, 6.1-v2
 *     main.ts --memory [ID...]        in process, the rows in which programs use memory
 *     main.ts --mount DIR [ID...]     on a mount (mounted.ts says of what); a sample of the rows, or those named
 */
import { parseArgs } from 'node:util'
import { InProcess } from './in-process.ts'
import { mountedDriver } from './mounted.ts'
import { recordingOf } from './recording.ts'
import { describeFailure, replayAll, summary } from './runner.ts'
import { memoryRows, sampleForMount, selectedRows } from './selection.ts'

const { values, positionals } = parseArgs({
  options: {
    memory: { type: 'boolean', default: false },
    mount: { type: 'string' },
    recorded: { type: 'string', default: '6.12-v2' },
  },
  allowPositionals: true,
})
const recording = recordingOf(values.recorded)
const onlyMemory = memoryRows(recording.rows)
const all = values.memory
  ? onlyMemory
  : [...selectedRows(recording.rows), ...(values.mount === undefined ? onlyMemory : [])]
const named = all.filter(({ id }) => positionals.some(part => String(id).includes(part)))
const rows = positionals.length > 0 ? named : values.mount === undefined ? all : sampleForMount(all)
const driver = values.mount === undefined ? new InProcess(recording) : await mountedDriver(values.mount, recording)
const report = replayAll(rows, driver)
for (const failure of report.failures) console.log(describeFailure(failure))
for (const line of report.stale) console.log(`an exception no longer applies: ${line}`)
console.log(`${recording.rows}, ${driver.door}: ${summary(report)}`)
process.exitCode = report.failures.length + report.stale.length > 0 ? 1 : 0
