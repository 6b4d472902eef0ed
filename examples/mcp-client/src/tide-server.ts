/** A small MCP server: it tells the tide, to whoever has a token for it. */

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { answerProtectedResource, guardApi, guardFetch, protectedResourceUrl } from '@pawl/verifier'

export const tideScope = 'tides.read'

export interface TideServer {
  readonly fetch: (request: Request) => Promise<Response>
  readonly close: () => Promise<void>
}

export function openTideServer({ issuer, url }: { readonly issuer: string; readonly url: string }): TideServer {
  const described = { resource: url, name: 'Tide Tables', scopes: [tideScope] }
  const guard = guardApi({ issuer, audience: url, resourceMetadata: protectedResourceUrl(url) })
  const guarded = guardFetch(guard, { scopes: [tideScope] }, (request, { subject }) => answerTool(request, subject))
  return {
    fetch: async request => {
      if (new URL(request.url).pathname === new URL(url).pathname) return guarded(request)
      return answerProtectedResource(guard, described, request) ?? new Response(null, { status: 404 })
    },
    close: guard.close,
  }
}

/** Without sessions: each request stands for itself, so any number of these may run. */
async function answerTool(request: Request, subject: string): Promise<Response> {
  if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } })
  const server = new McpServer({ name: 'tide-tables', version: '1.0.0' })
  server.registerTool('tide', { description: 'When is high water?' }, () => ({
    content: [{ type: 'text', text: `high water at noon, says the sea to ${subject}` }],
  }))
  const transport = new WebStandardStreamableHTTPServerTransport()
  await server.connect(transport)
  return transport.handleRequest(request)
}
