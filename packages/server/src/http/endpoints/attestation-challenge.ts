import { attestationChallenge } from '../../oauth/attestation-challenge.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import type { Endpoint } from '../router.ts'
import { uncachedJson } from './protocol-request.ts'

export function attestationChallengeEndpoint(server: AuthorizationServer): Endpoint {
  return async () => uncachedJson({ attestation_challenge: await attestationChallenge(server) })
}
