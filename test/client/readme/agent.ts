import { homedir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { fileStore } from '@pawl/client/file'
import { keystoreCustodyKey } from '@pawl/client/keystore'
import { mcpCustody } from '@pawl/client/mcp'

const directory = join(homedir(), '.my-agent')
const serverUrl = new URL('https://mcp.example/mcp')
const { provider, fetch } = mcpCustody({
  serverUrl,
  name: 'mcp.example',
  redirectUrl: 'http://127.0.0.1:8931/callback',
  clientMetadata: { client_name: 'My agent', redirect_uris: ['http://127.0.0.1:8931/callback'] },
  store: fileStore(directory),
  custodyKey: await keystoreCustodyKey({ service: 'my-agent', directory }),
  onRedirect: url => void process.stderr.write(`Open ${url.href}\n`),
})

export const transport = new StreamableHTTPClientTransport(serverUrl, { authProvider: provider, fetch })
export const agent = new Client({ name: 'my-agent', version: '1.0.0' })
