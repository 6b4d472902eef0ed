/** The one place that reads the machine's clock or its calendar. Everything else is told what time it is. */

export interface Clock {
  /** Milliseconds since the epoch, by this machine. The store's time, which never goes back, is what decides. */
  readonly nowMs: () => number
}

export const systemClock: Clock = { nowMs: () => Date.now() }

/** Calls back every so many seconds until it is cancelled, and keeps no process alive for that. */
export function everySeconds(callback: () => void, seconds: number): () => void {
  const timer = setInterval(callback, seconds * 1000).unref()
  return () => clearInterval(timer)
}

/** An instant for people and JSON: ISO 8601 in UTC, with milliseconds. */
export function isoInstant(atMs: number): string {
  return new Date(atMs).toISOString()
}

/** An instant on a page: `2 March 2027, 12:00 UTC`. */
export function instantInWords(atMs: number): string {
  const shape = { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' } as const
  return `${new Intl.DateTimeFormat('en-GB', shape).format(atMs).replace(' at ', ', ')} UTC`
}

/** An instant a person wrote: ISO 8601 with a time zone, or whole milliseconds since the epoch. Null for anything else. */
export function parseInstant(text: string): number | null {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text)) return null
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? null : atMs
}
