/** What every code of the bench must be redeemed with: PKCE and a redirect URI, as everywhere. */

import { createHash } from 'node:crypto'

export const redirectUri = 'https://app.bench/callback'
const codeVerifier = 'bench-verifier-of-at-least-forty-three-characters'
export const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')
/** Codes wait this long: they are all made before the first lap. */
export const codeSeconds = 3600

/** Form parameters beside the code, with a leading `&`. */
export const codeParameters = `&redirect_uri=${encodeURIComponent(redirectUri)}&code_verifier=${codeVerifier}`
