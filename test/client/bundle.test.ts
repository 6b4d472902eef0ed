/** What an application carries that holds grants: how much, of whom, and that it runs where there is nothing of Node. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import type * as Client from '@pawl/client'
import { flakyServer } from '../../packages/client/src/testing/flaky-server.ts'
import { virtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { type Bundle, bundleForBrowser } from '../browser/bundle.ts'

const coreBytesMax = 12_000
const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

describe('the core of @pawl/client, bundled for a browser', () => {
  it('is less than 12 kB, all that it needs included', async test => {
    const { code, imports } = await bundled(test, `export { holdGrants } from '@pawl/client'`)
    assert.deepEqual(imports, [])
    const { length } = gzipSync(code, { level: 9 })
    assert.ok(length < coreBytesMax, `${length} bytes`)
  })

  it('is @pawl/client, @pawl/protocol and oauth4webapi, and nothing else', async test => {
    const { modules, imports } = await bundled(test, `export * from '@pawl/client'`)
    assert.deepEqual(imports, [])
    const foreign = modules.filter(
      path => !/\/packages\/(?:client|protocol)\/|\/node_modules\/oauth4webapi\//.test(path),
    )
    assert.deepEqual(
      foreign.filter(path => path.includes('/node_modules/') && !path.includes('/.cache/')),
      [],
    )
    assert.ok(modules.some(path => path.includes('/oauth4webapi/')))
  })

  it('takes of @pawl/protocol only what it uses', async test => {
    const { modules } = await bundled(test, `export { isCodeVerifier } from '@pawl/protocol'`)
    assert.deepEqual(
      modules
        .flatMap(path => /\/packages\/protocol\/src\/(.*)$/.exec(path)?.[1] ?? [])
        .filter(name => name !== 'index.ts'),
      ['pkce.ts'],
    )
  })

  it('refreshes where there is nothing but what the web gives', async test => {
    const client = await inWorker(test)
    const clock = virtualClock()
    const server = flakyServer({ clock, policy: 'retry-keys' })
    const holder = client.holdGrants({
      server: server.issuer,
      client: { client_id: 'app' },
      store: client.memoryStore(clock),
      custodyKey: await client.custodyKeyFrom(crypto.getRandomValues(new Uint8Array(32))),
      fetch: server.fetch,
      clock,
    })
    await clock.run(holder.keep('ada', { tokens: server.signIn({ isKeyed: true }) }))
    const before = await clock.run(holder.accessToken('ada'))
    await clock.advance(3_600_000)
    const after = await clock.run(holder.accessToken('ada'))
    assert.notEqual(after.token, before.token)
    assert.equal(server.refreshes(), 1)
  })
})

/** Of a program that lies where packages are found. */
async function bundled(test: TestContext, program: string): Promise<Bundle> {
  await mkdir(cache, { recursive: true })
  const directory = await mkdtemp(join(cache, 'bundle-'))
  test.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'program.js')
  await writeFile(path, program)
  return bundleForBrowser(path, { isMinified: true })
}

/** The package in a world of its own, in which there is no `process`, `Buffer`, `require` or module of Node. */
async function inWorker(test: TestContext): Promise<typeof Client> {
  const program = `import * as client from '@pawl/client'\nglobalThis.client = client`
  const { code } = await bundled(test, program)
  const fetching = { AbortController, Blob, Headers, ReadableStream, Request, Response, URL, URLSearchParams }
  const rest = { atob, btoa, clearTimeout, crypto, queueMicrotask, setTimeout, TextDecoder, TextEncoder, Uint8Array }
  const world = createContext({ ...fetching, ...rest, DOMException })
  runInContext(`(() => { ${code} })()`, world)
  return (world as { client: typeof Client }).client
}
