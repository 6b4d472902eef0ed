import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ConfigRefused } from './config/config-refused.ts'
import type { ClaimsContext } from './domain/token/claims-hook.ts'
import { loadClaimsHook } from './load-claims-hook.ts'

const folder = mkdtempSync(join(tmpdir(), 'pawl-hook-'))
after(() => rmSync(folder, { recursive: true }))

function moduleOf(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const load = (claimsHook: string | null) => loadClaimsHook({ claimsHook, claimsHookMilliseconds: 1000 }, () => () => {})

describe('loading the claims hook', () => {
  it('answers nothing where none is configured', async () => {
    assert.equal(await load(null), null)
  })

  it('answers what the module exports as claims, judged', async () => {
    const good = moduleOf(
      'good.mjs',
      'export const claims = ({ clientId }) => ({ add: { accessToken: { for: clientId } } })',
    )
    const hook = await load(good)
    const ruling = await hook?.({ clientId: 'shop' } as ClaimsContext)
    assert.deepEqual(ruling, { kind: 'add', accessToken: { for: 'shop' }, idToken: {} })
  })

  it('refuses a module that is not there, does not load, or exports no function', async () => {
    const wrong = [
      join(folder, 'missing.mjs'),
      moduleOf('broken.mjs', 'export const claims = ('),
      moduleOf('throws.mjs', 'throw new Error("no")'),
      moduleOf('empty.mjs', 'export default () => ({ deny: true })'),
      moduleOf('value.mjs', 'export const claims = { add: {} }'),
    ]
    for (const path of wrong) await assert.rejects(load(path), ConfigRefused)
  })
})
