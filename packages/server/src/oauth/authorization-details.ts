/** Authorization details on the wire (RFC 9396): asked for, told to the person, narrowed, and answered. */

import type { Grant } from '@pawl/family'
import {
  areWithin,
  type AuthorizationDetail,
  detailsFor,
  grantedDetails,
  judgeDetail,
  parseDetails,
} from '../domain/authorization-details/authorization-details.ts'
import { type DetailInWords, inWords } from '../domain/authorization-details/details-words.ts'
import type { Client } from '../domain/client/client.ts'
import { type AuthorizationServer, type Parameters, valueOf } from './authorization-server.ts'
import { OAuthError } from './oauth-error.ts'

/**
 * What a request that starts a grant asks for, as the text that is kept; null where it asks for none. Every one must be
 * of a type that the server knows and the client is registered for. Throws `invalid_authorization_details`.
 */
export async function requestedDetails(
  server: AuthorizationServer,
  client: Client,
  parameters: Parameters,
): Promise<string | null> {
  const text = valueOf(parameters, 'authorization_details')
  if (text === undefined) return null
  const details = parseDetails(text)
  if (details === null) throw refused(client, 'authorization_details is no JSON array of objects with a type.')
  for (const detail of details) {
    const fault = await faultOf(server, client, detail)
    if (fault !== null) throw refused(client, fault)
  }
  return JSON.stringify(details)
}

/**
 * What this one access token carries: what was granted, less the types that the client has lost since, less what the
 * request leaves out, less what is for other resources. Null where nothing was granted. It reads nothing.
 */
export function narrowDetails(
  { authorizationDetails, clientId }: Grant,
  client: Client,
  parameters: Parameters,
  resources: readonly string[],
): readonly AuthorizationDetail[] | null {
  const text = valueOf(parameters, 'authorization_details')
  if (text === undefined && authorizationDetails === null) return null
  const { authorizationDetailsTypes } = client.requests
  const granted = authorizationDetails === null ? [] : grantedDetails(authorizationDetails)
  const allowed = granted.filter(({ type }) => authorizationDetailsTypes.includes(type))
  if (text === undefined) return detailsFor(allowed, resources)
  const wanted = parseDetails(text)
  if (wanted !== null && areWithin(wanted, allowed)) return detailsFor(wanted, resources)
  throw new OAuthError(
    'invalid_authorization_details',
    'authorization_details are malformed or more than was granted',
    {
      context: { clientId },
    },
  )
}

/** How the person reads what is asked for. */
export async function detailsInWords(
  server: AuthorizationServer,
  authorizationDetails: string | null,
): Promise<readonly DetailInWords[]> {
  if (authorizationDetails === null) return []
  const words: DetailInWords[] = []
  for (const detail of grantedDetails(authorizationDetails)) {
    const reading = await server.store.detailsTypes.read(detail.type)
    words.push(inWords(detail, reading?.detailsType ?? null))
  }
  return words
}

async function faultOf(
  server: AuthorizationServer,
  client: Client,
  detail: AuthorizationDetail,
): Promise<string | null> {
  const isRegistered = client.requests.authorizationDetailsTypes.includes(detail.type)
  const reading = isRegistered ? await server.store.detailsTypes.read(detail.type) : null
  if (reading === null) return 'A type of authorization details is not known, or the client is not registered for it.'
  return judgeDetail(detail, reading.detailsType)
}

function refused(client: Client, description: string): OAuthError {
  return new OAuthError('invalid_authorization_details', description, {
    description,
    context: { clientId: client.id },
  })
}
