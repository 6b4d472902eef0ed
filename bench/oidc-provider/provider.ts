/**
 * `oidc-provider` set up for the same work as the others: refresh tokens that rotate, ES256 JWT access tokens for one
 * resource, a confidential client. What it need not do here (interaction pages, account look-ups) costs it nothing.
 */

import { Provider, type ProviderInstance } from 'oidc-provider'
import { codeChallenge, codeSeconds, redirectUri } from '../redemption.ts'
import type { AdapterDatabase } from './adapter.ts'

export const benchResource = 'https://api.bench'
export const benchScope = 'offline_access api:read'
const refreshTokenSeconds = 30 * 86_400

export interface ProviderSecrets {
  readonly clientId: string
  readonly clientSecret: string
  /** A private JWK for ES256, as text: the same in every process of the server. */
  readonly signingKey: string
}

export function createProvider(database: AdapterDatabase, secrets: ProviderSecrets): ProviderInstance {
  return new Provider('http://oidc-provider.bench', {
    adapter: database.adapter,
    clients: [
      {
        client_id: secrets.clientId,
        client_secret: secrets.clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_basic',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...(JSON.parse(secrets.signingKey) as object), alg: 'ES256', use: 'sig', kid: 'bench' }] },
    cookies: { keys: [secrets.clientSecret] },
    scopes: ['openid', 'offline_access'],
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: {
      AccessToken: 600,
      AuthorizationCode: codeSeconds,
      Grant: refreshTokenSeconds,
      RefreshToken: refreshTokenSeconds,
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => benchResource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'api:read',
          audience: benchResource,
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  })
}

/** Saves one grant and one refresh token for a user through the provider's own models; answers the token. */
export async function seedRefreshToken(
  provider: ProviderInstance,
  clientId: string,
  accountId: string,
): Promise<string> {
  const terms = await seedGrant(provider, clientId, accountId)
  return new provider.RefreshToken({ ...terms, gty: 'authorization_code' }).save()
}

/** The same with an authorization code that is still to be redeemed. */
export async function seedCode(provider: ProviderInstance, clientId: string, accountId: string): Promise<string> {
  const terms = await seedGrant(provider, clientId, accountId)
  return new provider.AuthorizationCode({ ...terms, redirectUri, codeChallenge, codeChallengeMethod: 'S256' }).save()
}

async function seedGrant(provider: ProviderInstance, clientId: string, accountId: string): Promise<object> {
  const client = await provider.Client.find(clientId)
  if (client === undefined) throw new Error(`oidc-provider does not know the client ${clientId}`)
  const grant = new provider.Grant({ accountId, clientId })
  grant.addOIDCScope('offline_access')
  grant.addResourceScope(benchResource, 'api:read')
  return {
    client,
    accountId,
    grantId: await grant.save(),
    scope: benchScope,
    resource: benchResource,
    authTime: Math.floor(Date.now() / 1000),
    expiresWithSession: false,
  }
}
