/** The shapes of PKCE (RFC 7636 §4.1, §4.2). Only S256 exists here; `plain` protects nobody. */

/** 43 to 128 unreserved characters. */
export function isCodeVerifier(text: string): boolean {
  return /^[A-Za-z0-9._~-]{43,128}$/.test(text)
}

/** The base64url form of a SHA-256 digest: exactly 43 characters. */
export function isS256Challenge(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}
