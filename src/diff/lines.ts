/** What differs between two texts, line by line, with lines around it: the hunks of a unified diff. */

export type Change = ' ' | '-' | '+'

export interface ChangedLine {
  readonly change: Change
  readonly text: string
}

/** All lines of both texts in order: common ones once, those of `a` alone before those of `b` alone. */
export function mergeLines(a: readonly string[], b: readonly string[]): ChangedLine[] {
  const common = longestCommon(a, b)
  const merged: ChangedLine[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      merged.push({ change: ' ', text: a[i++]! })
      j++
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!))
      merged.push({ change: '-', text: a[i++]! })
    else merged.push({ change: '+', text: b[j++]! })
  }
  return merged
}

/** Length of the longest common subsequence of what is left from `i` and `j` on. */
function longestCommon(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i]![j] = a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!)
  return table
}

/** Changes with up to `context` unchanged lines around them; null stands for lines that were left out. */
export function unified(merged: readonly ChangedLine[], context: number): (ChangedLine | null)[] {
  const near = merged.map((_, i) => merged.slice(Math.max(0, i - context), i + context + 1).some(isChange))
  const shown: (ChangedLine | null)[] = []
  for (const [i, line] of merged.entries()) {
    if (near[i]) shown.push(line)
    else if (shown.length > 0 && shown.at(-1) !== null) shown.push(null)
  }
  if (shown.at(-1) === null) shown.pop()
  return shown
}

const isChange = ({ change }: ChangedLine): boolean => change !== ' '
