/** What the TypeScript SDK of the Model Context Protocol makes of the server: its own client, with nothing set for Pawl. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { siteCertificate } from '../packages/server/src/outbound/fixture.test.ts'
import { agree } from './stage/app.ts'
import type { Lifetime } from './stage/lifetime.ts'
import { clientOf, openPublisher } from './stage/registration.ts'
import { openStage, type Stage, type StageOptions } from './stage/stage.ts'

const mcpServer = 'https://mcp.example/mcp'
const redirectUrl = 'http://127.0.0.1:33418/callback'

async function opened(lifetime: Lifetime, options: StageOptions = {}): Promise<Stage> {
  const stage = await openStage(options)
  lifetime.after(() => stage.close())
  await stage.addUser()
  return stage
}

interface Kept {
  client?: OAuthClientInformationMixed
  tokens?: OAuthTokens
  verifier?: string
  sentTo?: URL
}

/** An MCP client that keeps what it is given, as the SDK wants it. */
function provider(kept: Kept, clientMetadataUrl?: string): OAuthClientProvider {
  return {
    redirectUrl,
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    clientMetadata: {
      client_name: 'Tide Tables',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => kept.client,
    saveClientInformation: client => {
      kept.client = client
    },
    tokens: () => kept.tokens,
    saveTokens: tokens => {
      kept.tokens = tokens
    },
    redirectToAuthorization: url => {
      kept.sentTo = url
    },
    saveCodeVerifier: verifier => {
      kept.verifier = verifier
    },
    codeVerifier: () => kept.verifier ?? '',
  }
}

/** The network between them: the MCP server names its authorization server (RFC 9728), and that one is the stage. */
function network(stage: Stage) {
  return async (url: string | URL, init?: RequestInit): Promise<Response> => {
    const { origin, pathname, search } = new URL(url)
    if (origin === stage.issuer) return stage.send(pathname + search, init)
    if (!pathname.startsWith('/.well-known/oauth-protected-resource')) return new Response(null, { status: 404 })
    return Response.json({ resource: mcpServer, authorization_servers: [stage.issuer] })
  }
}

/** From the first contact to a refresh, by the SDK alone. */
async function connect(stage: Stage, kept: Kept, clientMetadataUrl?: string): Promise<OAuthTokens> {
  const fetchFn = network(stage)
  const asked = provider(kept, clientMetadataUrl)
  assert.equal(await auth(asked, { serverUrl: mcpServer, fetchFn }), 'REDIRECT')
  assert.ok(kept.sentTo !== undefined)
  const browser = stage.browser()
  const back = await agree(browser, await browser.open(kept.sentTo.pathname + kept.sentTo.search))
  const authorizationCode = back.searchParams.get('code') ?? ''
  assert.equal(await auth(asked, { serverUrl: mcpServer, authorizationCode, fetchFn }), 'AUTHORIZED')
  const first = kept.tokens?.refresh_token
  assert.notEqual(first, undefined)
  assert.equal(await auth(asked, { serverUrl: mcpServer, fetchFn }), 'AUTHORIZED')
  assert.ok(kept.tokens !== undefined)
  assert.notEqual(kept.tokens.refresh_token, first, 'it rotates')
  return kept.tokens
}

function audienceOf(accessToken: string): unknown {
  const claims: unknown = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
  return typeof claims === 'object' && claims !== null && 'aud' in claims ? claims.aud : null
}

describe('an MCP client', () => {
  it('registers itself, signs a person in, and refreshes a token for its MCP server', async test => {
    const stage = await opened(test)
    const kept: Kept = {}
    const { access_token: accessToken } = await connect(stage, kept)
    assert.equal(audienceOf(accessToken), mcpServer)
    assert.match(kept.client?.client_id ?? '', /^dyn_/)
  })

  it('is its own document where that is offered, and registers nothing', async test => {
    const publisher = await openPublisher(test, 'https')
    publisher.publish({ redirect_uris: [redirectUrl] })
    const outbound = { resolveHost: async () => ['127.0.0.1'], trustedRoots: siteCertificate }
    const clientDocumentHosts = [new URL(publisher.id).host]
    const settings = { registration: 'off', privateHosts: ['rp.example'], clientDocumentHosts }
    const stage = await opened(test, { settings, outbound })
    const kept: Kept = {}
    const { access_token: accessToken } = await connect(stage, kept, publisher.id)
    assert.equal(audienceOf(accessToken), mcpServer)
    assert.equal(kept.client?.client_id, publisher.id)
    assert.equal((await clientOf(stage, publisher.id)).source?.kind, 'document')
  })
})
