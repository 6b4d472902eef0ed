/** Revocation at the server (RFC 7009). It is asked for once: whoever needs more asks again. */

import { None, revocationRequest } from 'oauth4webapi'
import type { Inside } from './inside.ts'
import { clientAt, requestOptions } from './server.ts'

/** True when the server said that the token is dead. Never rejects. */
export async function revokeToken(inside: Inside, token: string): Promise<boolean> {
  const { custody, limits, skew } = inside
  const { authentication = None() } = custody
  try {
    const server = await inside.server()
    const options = requestOptions(custody, limits.requestSeconds)
    const response = await revocationRequest(server, clientAt(custody, skew.ms), authentication, token, options)
    return response.status === 200
  } catch {
    // A server without the endpoint, an unreachable one and one that refuses come to the same: we cannot know it dead.
    return false
  }
}
