/** The example, done: one command, several agents at once, one person who signs in once, and signs all of them out. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { emptyDirectory } from '../../../test/processes/server-process.ts'
import { stablePort } from '../../../test/processes/stable-port.ts'
import { agree } from '../../../test/stage/app.ts'
import { browser, type Ground, stagePassword } from '../../../test/stage/browser.ts'

const [mainProgram, agentProgram] = ['main.ts', 'agent.ts'].map(name => fileURLToPath(new URL(name, import.meta.url)))

interface Scene {
  /** A browser in front of the authorization server. */
  readonly ground: Ground
  readonly environment: { readonly [name: string]: string | undefined }
}

async function start(test: TestContext): Promise<Scene> {
  const [port, serverPort] = [await stablePort(), await stablePort()]
  const PATH = process.env['PATH']
  const settings = { PATH, PORT: String(port), SERVER_PORT: String(serverPort), PASSWORD: stagePassword }
  const child = spawn(process.execPath, [mainProgram ?? ''], { stdio: ['ignore', 'pipe', 'inherit'], env: settings })
  const exited = once(child, 'exit')
  test.after(async () => {
    child.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null])
  })
  await once(createInterface({ input: child.stdout }), 'line')
  const issuer = `http://localhost:${serverPort}`
  return {
    ground: {
      issuer,
      send: (path, init) => fetch(new URL(path, `http://127.0.0.1:${serverPort}`), { redirect: 'manual', ...init }),
    },
    environment: {
      PATH,
      MCP_SERVER: `http://localhost:${port}/mcp`,
      AGENT_DIRECTORY: await emptyDirectory(test),
      PAWL_CUSTODY_KEY: createHash('sha256').update('agents').digest('base64url'),
    },
  }
}

interface Agent {
  /** Where a person is asked to sign in. */
  readonly sentTo: Promise<URL>
  readonly done: Promise<{ readonly code: number; readonly said: string }>
}

function startAgent(test: TestContext, { environment }: Scene, words: readonly string[] = []): Agent {
  const program = [agentProgram ?? '', ...words]
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
  test.after(() => child.kill('SIGKILL'))
  const sent = Promise.withResolvers<URL>()
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  createInterface({ input: child.stderr }).on('line', line => {
    const address = /^Sign in: (.*)$/.exec(line)?.[1]
    if (address === undefined) test.diagnostic(line)
    else sent.resolve(new URL(address))
  })
  return { sentTo: sent.promise, done: once(child, 'close').then(([code]) => ({ code: Number(code), said })) }
}

describe('the example of MCP agents', () => {
  it('asks the person once for four agents at once, goes on without them, and signs all out in one', async test => {
    const scene = await start(test)
    const agents = Array.from({ length: 4 }, () => startAgent(test, scene))
    const asked: URL[] = []
    for (const { sentTo } of agents) sentTo.then(url => asked.push(url)).catch(assert.ifError)
    const url = await Promise.race(agents.map(({ sentTo }) => sentTo))
    const person = browser(scene.ground, '127.0.0.1')
    const back = await agree(person, await person.open(url.pathname + url.search))
    assert.equal((await fetch(back)).status, 200)
    for (const { done } of agents) {
      const { code, said } = await done
      assert.deepEqual([code, /high water at noon/.test(said)], [0, true], said)
    }
    assert.equal(asked.length, 1)
    assert.match(url.searchParams.get('scope') ?? '', /^tides\.read offline_access$/)

    const later = await startAgent(test, scene).done
    assert.match(later.said, /high water at noon/)
    assert.deepEqual(await startAgent(test, scene, ['sign-out']).done, { code: 0, said: 'revoked\n' })
    await startAgent(test, scene).sentTo
  })
})
