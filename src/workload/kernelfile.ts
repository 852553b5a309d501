/** `.memcgfs/kernel`: which kernel this is, with the value of every feature; what was switched says what it was. */
import type { TextBuffer } from '../formats/text.ts'
import type { Kernel } from '../kernel.ts'
import { FEATURE_KEYS, snakeCase } from '../profiles/names.ts'
import { printOwn, printValue } from '../profiles/print.ts'

export function showKernel(out: TextBuffer, { setup }: Kernel): undefined {
  const { profile } = setup
  out.text(`kernel ${profile.id}\nrelease ${profile.release}\nhierarchy ${setup.hierarchy}\nclock ${setup.clock}\n`)
  for (const key of FEATURE_KEYS) {
    const own = profile.switched.includes(key) ? ` # --with, ${profile.id} has ${printOwn(profile.id, key)}` : ''
    out.text(`${snakeCase(key)} ${printValue(profile, key)}${own}`).newline()
  }
  return undefined
}
