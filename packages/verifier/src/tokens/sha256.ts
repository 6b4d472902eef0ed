/** SHA-256 in base64url, the form of `ath`, `jkt` and `x5t#S256`. */
export async function sha256(of: string | Uint8Array): Promise<string> {
  const bytes = typeof of === 'string' ? encoder.encode(of) : Uint8Array.from(of)
  return encodeBase64Url(new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes)))
}

export function encodeBase64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, byte => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

const encoder = new TextEncoder()
