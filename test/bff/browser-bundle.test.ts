import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { bundleForBrowser } from '../browser/bundle.ts'

const bytesMax = 2000
const entry = fileURLToPath(new URL('../../packages/bff/src/browser.ts', import.meta.url))

describe('the part of @pawl/bff that a page loads', () => {
  it('is less than 2 kB, needs nothing else, and knows of no token', async () => {
    const { code, imports, modules } = await bundleForBrowser(entry)
    assert.deepEqual(imports, [])
    assert.deepEqual(modules, [entry])
    assert.ok(Buffer.byteLength(code) < bytesMax, `${Buffer.byteLength(code)} bytes`)
    assert.ok(gzipSync(code).length < bytesMax / 2)
    assert.doesNotMatch(code, /token/i)
  })
})
