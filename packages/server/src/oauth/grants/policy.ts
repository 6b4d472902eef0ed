import type { Policy } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

/** The rule's settings for this client. */
export function policyOf(server: AuthorizationServer, client: Client): Policy {
  const { repeatsMax } = server.rules
  return { rotates: true, repeatWindowSeconds: client.repeatWindowSeconds, repeatsMax, reuseEnds: client.reuseEnds }
}
