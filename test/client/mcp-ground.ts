/**
 * An MCP client's world in one process: the stage as authorization server, and a real MCP server of the SDK that takes
 * its access tokens. Every request is written down, and nothing of the SDK is replaced.
 */

import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { type CustodyStore, custodyKeyFrom, type HolderClock, memoryStore } from '@pawl/client'
import { type McpCustody, mcpCustody } from '@pawl/client/mcp'
import { agree } from '../stage/app.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { openStage, type Stage } from '../stage/stage.ts'

export const mcpServerUrl = 'https://mcp.example/mcp'
export const redirectUrl = 'http://127.0.0.1:33418/callback'

type McpOptions = Parameters<typeof mcpCustody>[0]

export interface McpWorld {
  readonly stage: Stage
  readonly store: CustodyStore
  /** `METHOD path` of each request to the stage, and to the MCP server with the status it answered. */
  readonly log: string[]
  /** What becomes of the next request that this takes; null lets it through. */
  intercept: (url: URL, init: RequestInit) => Promise<Response> | null
  /** What the MCP server says of its authorization servers. */
  authorizationServers: string[]
  /** The scopes that the MCP server names. */
  scopes: string[] | null
  /** Tokens that the MCP server takes for dead though they live. */
  readonly refused: Set<string>
  /** The scope that the MCP server asks for, when it is not there (403). */
  wantedScope: string | null
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  /** A process: its own custody over the shared store. */
  readonly process: (changes?: Partial<McpOptions>) => McpProcess
  /** Requests to the token endpoint so far. */
  readonly tokenRequests: () => number
}

export interface McpProcess {
  readonly custody: McpCustody
  readonly sentTo: URL[]
  /** A new transport and client; rejects as the SDK does. */
  readonly connect: () => Promise<Client>
  /** The person signs in at the last address; answers the one they come back to. */
  readonly person: () => Promise<URL>
  /** Hands a code to the SDK. */
  readonly finish: (code: string) => Promise<void>
  /** From the first 401 to a client that is connected. */
  readonly signIn: () => Promise<Client>
}

export async function openMcpWorld(
  lifetime: Lifetime,
  settings: { readonly [name: string]: unknown } = {},
): Promise<McpWorld> {
  const stage = await openStage({ settings })
  lifetime.after(() => stage.close())
  await stage.addUser()
  const world: McpWorld = {
    stage,
    store: memoryStore(clockOf(stage)),
    log: [],
    intercept: () => null,
    authorizationServers: [stage.issuer],
    scopes: null,
    refused: new Set(),
    wantedScope: null,
    fetch: (url, init = {}) => route(world, new URL(url), init),
    process: changes => mcpProcess(lifetime, world, changes),
    tokenRequests: () => world.log.filter(line => line.startsWith('POST /token')).length,
  }
  return world
}

/** Whoever pauses moves the stage's clock on. Deadlines of requests, which nobody waits out, do not pass. */
export function clockOf(stage: Stage): HolderClock {
  return {
    nowMs: stage.clock.nowMs,
    wait: (ms, signal) => {
      if (signal !== undefined && ms >= deadlineMsMin) return new Promise(() => undefined)
      stage.clock.advanceMs(Math.ceil(ms))
      return new Promise(resolve => setImmediate(resolve))
    },
  }
}

const deadlineMsMin = 5000

function mcpProcess(lifetime: Lifetime, world: McpWorld, changes: Partial<McpOptions> = {}): McpProcess {
  const sentTo: URL[] = []
  const custody = mcpCustody({ ...optionsOf(world), onRedirect: url => void sentTo.push(url), ...changes })
  lifetime.after(() => custody.close())
  let transport: StreamableHTTPClientTransport
  const self: McpProcess = {
    custody,
    sentTo,
    connect: async () => {
      transport = new StreamableHTTPClientTransport(new URL(mcpServerUrl), {
        authProvider: custody.provider,
        fetch: custody.fetch,
      })
      const client = new Client({ name: 'tides', version: '1' })
      await client.connect(transport)
      lifetime.after(() => client.close())
      return client
    },
    person: async () => {
      const browser = world.stage.browser()
      const url = sentTo.at(-1)
      assert.ok(url !== undefined, 'nobody was sent away')
      return agree(browser, await browser.open(url.pathname + url.search))
    },
    finish: code => transport.finishAuth(code),
    signIn: async () => {
      await assert.rejects(self.connect(), /Unauthorized/)
      await self.finish(await custody.codeFrom(await self.person()))
      return self.connect()
    },
  }
  return self
}

export const custodyKey = await custodyKeyFrom(new Uint8Array(32).fill(7))

function optionsOf(world: McpWorld): Omit<McpOptions, 'onRedirect'> {
  return {
    serverUrl: mcpServerUrl,
    name: 'tides',
    redirectUrl,
    clientMetadata: { redirect_uris: [redirectUrl], client_name: 'Tide Tables' },
    store: world.store,
    custodyKey,
    fetch: world.fetch,
    clock: clockOf(world.stage),
  }
}

async function route(world: McpWorld, url: URL, init: RequestInit): Promise<Response> {
  const { stage } = world
  const answer = world.intercept(url, init)
  if (answer !== null) return answer
  const line = `${init.method ?? 'GET'} ${url.pathname}`
  if (url.origin === stage.issuer) {
    world.log.push(line)
    return stage.send(url.pathname + url.search, init)
  }
  if (url.pathname.startsWith('/.well-known/oauth-protected-resource')) {
    const { authorizationServers, scopes } = world
    return Response.json({
      resource: mcpServerUrl,
      authorization_servers: authorizationServers,
      ...(scopes !== null && { scopes_supported: scopes }),
    })
  }
  const response = url.href === mcpServerUrl ? await mcpAnswer(world, url, init) : new Response(null, { status: 404 })
  world.log.push(`${line} ${response.status}`)
  return response
}

/** The MCP server: takes tokens of the stage that are for it, and tells how late the tide is. */
async function mcpAnswer(world: McpWorld, url: URL, init: RequestInit): Promise<Response> {
  const token = /^Bearer (.+)$/.exec(new Headers(init.headers).get('authorization') ?? '')?.[1]
  const claims = token === undefined ? null : claimsOf(token)
  const isGood = claims !== null && claims.aud === mcpServerUrl && claims.exp * 1000 > world.stage.clock.nowMs()
  if (!isGood || world.refused.has(token ?? '')) return new Response(null, { status: 401, headers: challenge('') })
  const { wantedScope } = world
  if (wantedScope !== null && !claims.scope.split(' ').includes(wantedScope)) {
    const headers = challenge(`, error="insufficient_scope", scope="${wantedScope}"`)
    return new Response(null, { status: 403, headers })
  }
  if (init.method === 'GET') return new Response(null, { status: 405 })
  const server = new McpServer({ name: 'tide-tables', version: '1' })
  server.registerTool('tide', {}, () => ({ content: [{ type: 'text', text: 'high at noon' }] }))
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
  await server.connect(transport)
  return transport.handleRequest(new Request(url, { ...init, redirect: 'follow' }))
}

function challenge(more: string): { readonly [name: string]: string } {
  return {
    'www-authenticate': `Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource"${more}`,
  }
}

export interface AccessClaims {
  readonly aud: unknown
  readonly exp: number
  readonly scope: string
  readonly client_id: string
}

export function claimsOf(accessToken: string): AccessClaims {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as AccessClaims
}

/** The body of a request that has a text or a form. */
export function bodyOf({ body }: RequestInit): string {
  return typeof body === 'string' || body instanceof URLSearchParams ? body.toString() : ''
}
