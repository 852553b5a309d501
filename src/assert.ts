/**
 * What must hold. An assertion that fails is an error in this program, never a judgement on what a user wrote.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`memcgfs is wrong about itself: ${message}`)
}

/** For the branch that no value can reach. */
export function unreachable(value: never): never {
  throw new Error(`memcgfs is wrong about itself: unexpected ${String(value)}`)
}
