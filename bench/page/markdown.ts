/** Tables and figures in Markdown. */

export type Cell = string | number | null

/** The first column is text; figures go to the right. What is not known is a dash. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const rule = heads.map((_head, at) => (at === 0 ? '---' : '---:'))
  const line = (cells: readonly Cell[]): string => `| ${cells.map(cell => cell ?? '–').join(' | ')} |`
  return [line(heads), line(rule), ...rows.map(line)].join('\n')
}

export function rounded(value: number | null | undefined, digits: number): string | null {
  if (value === null || value === undefined || Number.isNaN(value)) return null
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export function mebibytes(bytes: number | null | undefined, digits = 0): string | null {
  return bytes === null || bytes === undefined ? null : rounded(bytes / 2 ** 20, digits)
}
