/**
 * The retry key: `Idempotency-Key: "rk1.<43 base64url characters>"`, a structured-field string (RFC 9651 §3.3.3). The
 * client derives it from its custody key and the credential it presents, so that every copy of one credential store
 * asks alike. Any other value of that header belongs to somebody else and is ignored.
 */

export const retryKeyHeader = 'idempotency-key'
export const retryKeyVersion = 'rk1'

/** The retry key without its quotes, or null when the header carries none. */
export function parseRetryKey(header: string | undefined): string | null {
  if (header === undefined) return null
  return /^"(rk1\.[A-Za-z0-9_-]{43})"$/.exec(header.trim())?.[1] ?? null
}

/** The header's value for the 43-character derivation. */
export function formatRetryKey(derived: string): string {
  return `"${retryKeyVersion}.${derived}"`
}
