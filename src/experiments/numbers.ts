/** Numbers in tables and on axes. */

/** Numbers as people read them: whole ones with blanks between thousands, others with one digit after the point. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞'
  const [whole, fraction] = (Number.isInteger(value) ? String(value) : value.toFixed(1)).split('.')
  const grouped = whole!.replace(/\B(?=(\d{3})+$)/g, ' ')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}
