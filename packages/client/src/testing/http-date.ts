const format = new Intl.DateTimeFormat('en-US', {
  weekday: 'short',
  day: '2-digit',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
})

/** An instant as a header writes it (RFC 9110 §5.6.7). */
export function httpDate(ms: number): string {
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]))
  const joined = (names: readonly Intl.DateTimeFormatPartTypes[], between: string): string =>
    names.map(name => parts.get(name) ?? '').join(between)
  return `${joined(['weekday'], '')}, ${joined(['day', 'month', 'year'], ' ')} ${joined(['hour', 'minute', 'second'], ':')} GMT`
}
