import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openSigningKeys, publishSecondsMin } from '../domain/keys/signing-keys.ts'
import { type Bench, bench } from './fixture.test.ts'
import { listSigningKeys, rotateSigningKey, signingKeyJson, verifySecondsMin } from './signing-keys.ts'

/** A bench on which a server has started once. */
async function started(): Promise<Bench> {
  const there = await bench()
  const { store, sealer, entropy } = there.workbench
  const report = (error: unknown): void => assert.fail(String(error))
  const now = () => store.now()
  await openSigningKeys({ store: store.signingKeys, sealer, entropy, now, firstPublishSeconds: 600, report })
  return there
}

async function statesOf({ workbench }: Bench): Promise<string[]> {
  const views = await listSigningKeys(workbench)
  return views.filter(({ key }) => key.algorithm === 'ES256').map(({ state }) => state)
}

describe('signing keys', () => {
  it('are published, then sign, then verify, then retire', async () => {
    const there = await started()
    assert.deepEqual(await statesOf(there), ['signing'])
    there.advanceSeconds(1)
    const { key } = await rotateSigningKey(there.workbench, 'ES256', { verify: verifySecondsMin })
    assert.deepEqual(await statesOf(there), ['published', 'signing'])
    there.advanceSeconds(publishSecondsMin - 1)
    assert.deepEqual(await statesOf(there), ['published', 'signing'])
    there.advanceSeconds(1)
    assert.deepEqual(await statesOf(there), ['signing', 'verifying'])
    there.advanceSeconds(verifySecondsMin)
    assert.deepEqual(await statesOf(there), ['signing', 'retired'])
    assert.equal((await listSigningKeys(there.workbench))[0]?.key.kid, key.kid)
  })

  it('are refused a rotation faster than verifiers can follow, or that forgets the old key too soon', async () => {
    const { workbench } = await started()
    await assert.rejects(rotateSigningKey(workbench, 'ES256', { publish: publishSecondsMin - 1 }), {
      name: 'InputRefused',
    })
    await assert.rejects(rotateSigningKey(workbench, 'ES256', { verify: verifySecondsMin - 1 }), {
      name: 'InputRefused',
    })
  })

  it('show no private part', async () => {
    const { workbench } = await started()
    for (const view of await listSigningKeys(workbench)) {
      assert.deepEqual(Object.keys(signingKeyJson(view)), [
        'kid',
        'alg',
        'state',
        'created_at',
        'signs_from',
        'verifies_until',
      ])
    }
  })
})
