import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { familiesListedMax, familyJson, listFamilies, showFamily } from './families.ts'
import { bench } from './fixture.test.ts'
import { registerClient } from './clients.ts'
import { carryOut, planRevocation } from './revoke.ts'

const native = { id: 'app', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }

describe('families', () => {
  it('are listed in the order they were opened, page by page', async () => {
    const { workbench, openFamily, advanceSeconds } = await bench()
    const ids: string[] = []
    for (let opened = 0; opened < 3; opened++) {
      ids.push((await openFamily()).id)
      advanceSeconds(1)
    }
    const first = await listFamilies(workbench, { limit: 2 })
    assert.deepEqual(
      first.map(({ family }) => family.id),
      ids.slice(0, 2),
    )
    const after = first.at(-1)?.family.id
    assert.deepEqual(
      (await listFamilies(workbench, { after })).map(({ family }) => family.id),
      ids.slice(2),
    )
  })

  it('are found by client, and by whether they live', async () => {
    const { workbench, openFamily } = await bench()
    const ended = await openFamily({ client: 'one' })
    const living = await openFamily({ client: 'one' })
    await openFamily({ client: 'two' })
    await carryOut(workbench, await planRevocation(workbench, { family: ended.id }))
    assert.equal((await listFamilies(workbench, { client: 'one' })).length, 2)
    const found = await listFamilies(workbench, { client: 'one', livingOnly: true })
    assert.deepEqual(
      found.map(({ family }) => family.id),
      [living.id],
    )
  })

  it('tell living, ended, expired and cut off apart, also where no step met it yet', async () => {
    const { workbench, openFamily, advanceSeconds } = await bench()
    const cut = await openFamily()
    await carryOut(workbench, await planRevocation(workbench, { session: cut.grant.sessionId ?? '' }))
    const ended = await openFamily()
    await carryOut(workbench, await planRevocation(workbench, { family: ended.id }))
    const expired = await openFamily()
    const statusOf = async (id: string) => {
      const { status, overBecause } = await showFamily(workbench, id)
      return [status, overBecause]
    }
    assert.deepEqual(await statusOf(cut.id), ['cut_off', 'cut_off_session'])
    assert.deepEqual(await statusOf(ended.id), ['ended', 'revoked_by_operator'])
    assert.deepEqual(await statusOf(expired.id), ['living', null])
    // A cut-off moved the store's time ahead of its clock by a millisecond.
    advanceSeconds(3601)
    assert.deepEqual(await statusOf(expired.id), ['expired', 'idle_expired'])
  })

  it('are weak when public, unbound and not keyed, and only then', async () => {
    const { workbench, openFamily } = await bench()
    await registerClient(workbench, native)
    await registerClient(workbench, { id: 'web', kind: 'web', redirectUris: ['https://web.example/cb'] })
    const bare = await openFamily({ keyed: false })
    const keyed = await openFamily()
    const confidential = await openFamily({ client: 'web', keyed: false })
    const weak = await Promise.all(
      [bare, keyed, confidential].map(async ({ id }) => (await showFamily(workbench, id)).weak),
    )
    assert.deepEqual(weak, [true, false, false])
  })

  it('show their last uses as tags, and neither seed nor step', async () => {
    const { workbench, openFamily, use } = await bench()
    const family = await openFamily()
    await use(family.id, { generation: 1 })
    const json = familyJson(await showFamily(workbench, family.id))
    const uses = json['uses'] as readonly { readonly generation: number; readonly address_tag: string }[]
    assert.deepEqual(
      uses.map(({ generation }) => generation),
      [1, 0],
    )
    assert.match(uses[0]?.address_tag ?? '', /^[0-9a-f]{8}$/)
    assert.equal(JSON.stringify(json).includes(Buffer.from(family.seed).toString('base64url')), false)
    assert.deepEqual([json['generation'], json['status'], json['keyed']], [2, 'living', true])
  })

  it('are not listed without a bound, nor by what is no name', async () => {
    const { workbench } = await bench()
    await assert.rejects(listFamilies(workbench, { limit: familiesListedMax + 1 }), { name: 'InputRefused' })
    await assert.rejects(listFamilies(workbench, { limit: 0 }), { name: 'InputRefused' })
    await assert.rejects(listFamilies(workbench, { client: 'a b' }), { name: 'InputRefused' })
    await assert.rejects(listFamilies(workbench, { after: 'x' }), { name: 'InputRefused' })
    await assert.rejects(listFamilies(workbench, { user: 'nobody@example.com' }), { name: 'AdminRefused' })
  })
})
