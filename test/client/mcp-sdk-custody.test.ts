/** The MCP SDK with tokens in custody: its own transport and auth flow, unmodified, over a store that processes share. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { claimsOf, mcpServerUrl, openMcpWorld } from './mcp-ground.ts'

describe('an MCP client in custody', () => {
  it('is an OAuthClientProvider of the SDK', async test => {
    const world = await openMcpWorld(test)
    const provider: OAuthClientProvider = world.process().custody.provider
    assert.equal(provider.clientMetadata.token_endpoint_auth_method, 'none')
  })

  it('signs a person in and calls a tool, with a token for that MCP server', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    const client = await process.signIn()
    const answer = await client.callTool({ name: 'tide' })
    assert.deepEqual(answer.content, [{ type: 'text', text: 'high at noon' }])
    const token = await process.custody.accessToken()
    assert.equal(claimsOf(token?.token ?? '').aud, mcpServerUrl)
  })
})
