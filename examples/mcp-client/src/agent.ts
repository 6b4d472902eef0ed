/** One agent: asks the MCP server when high water is. Start as many as you like. */

import { homedir } from 'node:os'
import { join } from 'node:path'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { CustodyKey } from '@pawl/client'
import { environmentCustodyKey } from '@pawl/client/environment-key'
import { fileStore } from '@pawl/client/file'
import { keystoreCustodyKey } from '@pawl/client/keystore'
import { type McpCustody, mcpCustody } from '@pawl/client/mcp'
import { openCallbackDoor } from './callback-door.ts'

const { MCP_SERVER: serverUrl = 'http://localhost:7301/mcp', AGENT_DIRECTORY } = process.env
const directory = AGENT_DIRECTORY ?? join(homedir(), '.pawl-example-agents')

const door = await openCallbackDoor()
const custody = mcpCustody({
  serverUrl,
  name: 'tides',
  store: fileStore(directory),
  custodyKey: await custodyKey(),
  redirectUrl: door.redirectUrl,
  clientMetadata: { client_name: 'Tide Agent', redirect_uris: ['http://127.0.0.1/callback'] },
  onRedirect: url => console.error(`Sign in: ${url.href}`),
})

if (process.argv[2] === 'sign-out') {
  console.log(await custody.signOut())
} else {
  const client = await connected(custody)
  const { content } = await client.callTool({ name: 'tide' })
  console.log(JSON.stringify(content))
  await client.close()
}
await custody.close()
door.close()

/** The SDK says `UnauthorizedError` once it has sent the person away; then it waits to be handed the code. */
async function connected(tides: McpCustody): Promise<Client> {
  const { provider: authProvider, fetch } = tides
  const transport = new StreamableHTTPClientTransport(new URL(serverUrl), { authProvider, fetch })
  const client = new Client({ name: 'tide-agent', version: '1.0.0' })
  try {
    await client.connect(transport)
    return client
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
  }
  await transport.finishAuth(await tides.codeFrom(await door.arrival))
  return connected(tides)
}

/** In the keystore of the system, or where there is none in the environment. */
function custodyKey(): Promise<CustodyKey> {
  return process.env['PAWL_CUSTODY_KEY'] === undefined
    ? keystoreCustodyKey({ service: 'pawl-example-agents', directory })
    : environmentCustodyKey()
}
