import type { Policy } from '@pawl/family'
import { type Client, keepsRefreshToken } from '../../domain/client/client.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

/** The rule's settings for this client. */
export function policyOf(server: AuthorizationServer, client: Client): Policy {
  const { repeatsMax } = server.rules
  const { repeatWindowSeconds, reuseEnds } = client
  return { rotates: !keepsRefreshToken(client), repeatWindowSeconds, repeatsMax, reuseEnds }
}
