/** The guard in a world of its own, in which there is nothing but what the web gives: a worker, Deno, Bun, a browser. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import type * as Verifier from '@pawl/verifier'
import { bundleForBrowser } from '../browser/bundle.ts'
import { dpopKey } from '../stage/dpop.ts'
import { apiUrl, assertRefused, call, files, openApi, outcome } from './api-ground.ts'

const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

async function inWorker(test: TestContext): Promise<typeof Verifier> {
  await mkdir(cache, { recursive: true })
  const directory = await mkdtemp(join(cache, 'bundle-'))
  test.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'program.js')
  await writeFile(path, `import * as verifier from '@pawl/verifier'\nglobalThis.verifier = verifier`)
  const { code, imports } = await bundleForBrowser(path)
  assert.deepEqual(imports, [])
  const fetching = {
    AbortController,
    AbortSignal,
    Blob,
    fetch,
    Headers,
    ReadableStream,
    Request,
    Response,
    URL,
    URLSearchParams,
  }
  const keys = { atob, btoa, crypto, CryptoKey, TextDecoder, TextEncoder, Uint8Array }
  const rest = { clearTimeout, DecompressionStream, DOMException, queueMicrotask, setTimeout, structuredClone }
  const world = createContext({ ...fetching, ...keys, ...rest })
  runInContext(`(() => { ${code} })()`, world)
  return (world as { verifier: typeof Verifier }).verifier
}

describe('the verifier where there is nothing of Node', () => {
  it('takes and refuses JWTs, opaque and bound tokens, and follows lists of status', async test => {
    const verifier = await inWorker(test)
    const scene = await openApi(test, { settings: { statusLists: true } })
    const guard = verifier.guardApi({
      issuer: scene.stage.issuer,
      audience: apiUrl,
      credentials: verifier.clientSecret('api', scene.api.secret ?? ''),
      follow: 'status-lists',
      world: scene.world,
    })
    const plain = await scene.tokens()
    const taken = await guard.verify(call(plain.accessToken), { scopes: ['email'] })
    assert.equal(taken.granted && taken.clientId, 'shop')
    assertRefused(
      await guard.verify(call(`${plain.accessToken.slice(0, -8)}AAAAAAAA`)),
      '401 invalid_token',
      /signature/,
    )
    assertRefused(await guard.verify(call('pawl_at_unknown')), '401 invalid_token', /not active/)
    const key = await dpopKey(scene.stage)
    const bound = await scene.tokens({}, await key.proof({}))
    const proof = await key.proof({ method: 'GET', accessToken: bound.accessToken, claims: { htu: files } })
    const request = call(bound.accessToken, { authorization: `DPoP ${bound.accessToken}`, ...proof })
    assert.equal(outcome(await guard.verify(request)), 'granted')
    assertRefused(await guard.verify(request), '401 invalid_dpop_proof', /used before/)
    await scene.app.revoke(plain.refreshToken)
    scene.stage.clock.advanceSeconds(6)
    const ended = await guard.verify(call(plain.accessToken))
    assertRefused(ended, '401 invalid_token', /status list/)
    assert.ok(!ended.granted)
    assert.equal(verifier.refusalResponse(ended).status, 401)
  })
})
