/** The provider as the SDK calls it. The order of its calls is the SDK's: `client/auth.js` of version 1.32. */

import { generateRandomState } from 'oauth4webapi'
import { answeredOf, authenticateRedemption, beginAttempt, completeAttempt, trusted } from './attempts.ts'
import { withClient, withoutClient } from './connection.ts'
import { currentToken, giveTurnBack } from './current-token.ts'
import { isSameIssuer } from './discovery.ts'
import { type Flow, type Ground, sha256 } from './ground.ts'
import type { McpProvider, SdkClient, SdkClientMetadata } from './sdk.ts'

/** Verifiers of sign-ins that were prepared, and clients that were told of, in this process. */
const rememberedMax = 8

export function providerOf(ground: Ground): McpProvider {
  const { options, flow, record } = ground
  const { clientMetadataUrl, redirectUrl } = options
  return {
    get redirectUrl() {
      return typeof redirectUrl === 'function' ? redirectUrl() : redirectUrl
    },
    clientMetadata: metadataOf(options.clientMetadata),
    ...(clientMetadataUrl === undefined ? {} : { clientMetadataUrl }),
    state: async () => generateRandomState(),
    clientInformation: () => knownClient(ground),
    async saveClientInformation(client) {
      remember(flow.clients, client.client_id, client)
      if (options.client === undefined) await record.change(connection => withClient(connection, client))
    },
    tokens: () => shownTokens(ground),
    saveTokens: tokens => completeAttempt(ground, tokens),
    redirectToAuthorization: url => beginAttempt(ground, url),
    async saveCodeVerifier(verifier) {
      remember(flow.verifiers, await sha256(verifier), verifier)
    },
    codeVerifier: async () => answeredOf(ground).attempt.codeVerifier,
    addClientAuthentication: (headers, params, url) => authenticateRedemption(ground, headers, params, url),
    // The SDK asks for this when the server refuses a code or a client. What is kept of a grant is never deleted for it:
    // the holder alone knows when that is over.
    async invalidateCredentials(scope) {
      const clientId = flow.answered?.attempt.client.client_id
      if ((scope !== 'all' && scope !== 'client') || clientId === undefined) return
      flow.clients.delete(clientId)
      flow.answered = null
      await record.change(connection => withoutClient(connection, clientId))
    },
    async saveDiscoveryState(discovery) {
      try {
        flow.discovery = { found: discovery, server: await trusted(ground, discovery) }
      } catch (error) {
        await giveTurnBack(ground)
        throw error
      }
    },
    // A redemption goes where its sign-in began. Every other time the way is found anew: what was found is not trusted longer.
    discoveryState: async () => flow.answered?.attempt.discovery,
  }
}

function metadataOf(metadata: SdkClientMetadata): SdkClientMetadata {
  return {
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...metadata,
  }
}

/** The client for the server that was found last; the SDK registers one where there is none. */
async function knownClient(ground: Ground): Promise<SdkClient | undefined> {
  const { options, flow, record } = ground
  if (flow.answered !== null) return remembered(flow, flow.answered.attempt.client)
  const { clients } = await record.read()
  const issuer = flow.discovery?.found.authorizationServerUrl
  const known =
    options.client ??
    clients.find(({ issuer: at }) => at !== undefined && issuer !== undefined && isSameIssuer(at, issuer))
  return known === undefined ? undefined : remembered(flow, known)
}

function remembered({ clients }: Flow, client: SdkClient): SdkClient {
  remember(clients, client.client_id, client)
  return client
}

/** What the SDK is shown: an access token that lives, and nothing that it could refresh by itself. */
async function shownTokens(ground: Ground) {
  const token = await currentToken(ground)
  if (token === null) return undefined
  const { clock } = ground
  return {
    access_token: token.token,
    token_type: token.type,
    expires_in: Math.max(0, Math.floor((token.expiresAtMs - clock.nowMs()) / 1000)),
    ...(token.scope === null ? {} : { scope: token.scope }),
  }
}

function remember<T>(known: Map<string, T>, name: string, value: T): void {
  known.set(name, value)
  const [oldest] = known.keys()
  if (known.size > rememberedMax && oldest !== undefined) known.delete(oldest)
}
