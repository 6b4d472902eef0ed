import type { AuthMethod, Client, ClientKind } from '../../domain/client/client.ts'
import { cameByToken, type RegisteredSource } from '../../domain/client/client-source.ts'
import type { InitialAccessToken } from '../../domain/registration/registration-store.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import type { MetadataPolicy } from './client-metadata.ts'

/** What a client may become that nobody said more about. A service acts without any person: it needs a token that says so. */
export const registrableKinds: readonly ClientKind[] = ['web', 'spa', 'native', 'device']

/** All but attestation, whose attesters only an operator can name. */
const registrableMethods: readonly AuthMethod[] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
]

/** Only where certificates can be shown, as the metadata says: elsewhere such a client could never be anybody. */
const certificateMethods: readonly AuthMethod[] = ['tls_client_auth', 'self_signed_tls_client_auth']

function methodsAt({ clientCertificates }: AuthorizationServer): readonly AuthMethod[] {
  return clientCertificates === null ? registrableMethods : [...registrableMethods, ...certificateMethods]
}

/** A document is public, so nothing in it can be a secret that both sides share (Client ID Metadata Document §4.1). */
const publishableMethods: readonly AuthMethod[] = ['none', 'private_key_jwt']

/** What the metadata of a registration may say. */
export function registrationPolicy(server: AuthorizationServer, token: InitialAccessToken | null): MetadataPolicy {
  return {
    kinds: token?.kinds ?? registrableKinds,
    scopes: token?.scopes ?? server.rules.registrationScopes,
    authMethods: methodsAt(server),
    judgeUrl: url => server.outbound.judge(url, token === null ? 'stranger' : 'operator'),
  }
}

/**
 * What it may say when it is replaced. The token that a client came by may be long gone, so what that gave is what the
 * client has: no scope is added to it. To all others the server gives what it gives to everybody.
 */
export function updatePolicy(server: AuthorizationServer, client: Client, source: RegisteredSource): MetadataPolicy {
  const isByToken = cameByToken(source)
  return {
    kinds: [client.kind],
    scopes: isByToken ? client.scopes : [...new Set([...client.scopes, ...server.rules.registrationScopes])],
    authMethods: methodsAt(server),
    judgeUrl: url => server.outbound.judge(url, isByToken ? 'operator' : 'stranger'),
  }
}

/** What the metadata of a published document may say. The operator may have named the host, and knows what it publishes. */
export function documentPolicy(server: AuthorizationServer, vouchedBy: string | null): MetadataPolicy {
  return {
    kinds: ['web', 'spa', 'native', 'device'],
    scopes: server.rules.registrationScopes,
    authMethods: publishableMethods,
    judgeUrl: url => server.outbound.judge(url, vouchedBy === null ? 'stranger' : 'operator'),
  }
}
