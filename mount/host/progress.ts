/** Progress of what takes longer than a second, on standard error: one line that changes, or in a log a line now and then. */
const LOG_EVERY_MS = 10_000
let lastLogged = Number.NEGATIVE_INFINITY

export function showProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
  else if (performance.now() - lastLogged >= LOG_EVERY_MS) {
    lastLogged = performance.now()
    process.stderr.write(`${line}\n`)
  }
}

export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}
