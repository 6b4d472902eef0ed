/** The conformance runner of the Model Context Protocol, in its mode for authorization servers, as it is published. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { browserOf } from './processes/registered.ts'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from './processes/server-process.ts'
import { stablePort } from './processes/stable-port.ts'
import { agree } from './stage/app.ts'
import { stagePassword } from './stage/browser.ts'
import type { Lifetime } from './stage/lifetime.ts'
import { registered } from './stage/registration.ts'

const runner = fileURLToPath(
  new URL('../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)

interface Run {
  readonly exitCode: number | null
  readonly output: string
}

/** Runs every scenario. Where the runner asks for a person, there is one, with a browser. */
async function runScenarios(lifetime: Lifetime, server: ServerProcess, clientId: string): Promise<Run> {
  const port = await stablePort()
  const words = ['authorization', '--url', server.issuer, '--client-id', clientId, '--port', String(port)]
  const child = spawn(process.execPath, [runner, ...words, '--resource', 'https://mcp.example/mcp'])
  lifetime.after(() => child.kill('SIGKILL'))
  let output = ''
  const asked = Promise.withResolvers<URL>()
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
    const url = /^http\S+\/authorize\?\S+$/m.exec(output)?.[0]
    if (url !== undefined && output.includes('Callback server started')) asked.resolve(new URL(url))
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const exited = new Promise<number | null>(resolve => child.on('close', resolve))
  const url = await Promise.race([asked.promise, exited])
  if (url instanceof URL) {
    const browser = browserOf(server)
    await fetch(await agree(browser, await browser.open(url.pathname + url.search)))
  }
  return { exitCode: await exited, output }
}

describe('the conformance runner of MCP', () => {
  it('passes every scenario for authorization servers, as a client that registered itself', async test => {
    const data = await dataDirectory(test)
    const server = await startServer(test, { data })
    const words = ['user', 'add', 'ada@example.com', '--password-stdin', '--data', data]
    await pawlJson(words, { stdin: `${stagePassword}\n` })
    const { client_id: clientId } = await registered(server, {
      redirect_uris: ['http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const { exitCode, output } = await runScenarios(test, server, String(clientId))
    assert.equal(exitCode, 0, output)
    assert.match(output, /Total: [1-9]\d* passed, 0 failed/)
  })
})
