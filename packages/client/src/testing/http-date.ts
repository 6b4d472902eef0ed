import { dateAt } from '../holder/clock.ts'

/** An instant as a header writes it (RFC 9110 §5.6.7). */
export function httpDate(ms: number): string {
  return dateAt(ms).toUTCString()
}
