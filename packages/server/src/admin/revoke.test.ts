import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { registerClient } from './clients.ts'
import { type Bench, bench, startsAtMs } from './fixture.test.ts'
import { showFamily } from './families.ts'
import { carryOut, planRevocation, previewOf, type RevocationInput } from './revoke.ts'
import { addUser } from './users.ts'

const redirectUris = ['https://app.example/cb']

/** Ada and Bob at two clients: four living families. */
async function town(): Promise<Bench & { readonly ids: { readonly [name: string]: string } }> {
  const there = await bench()
  const { workbench, openFamily } = there
  await registerClient(workbench, { id: 'one', kind: 'web', redirectUris, partner: 'acme' })
  await registerClient(workbench, { id: 'two', kind: 'web', redirectUris })
  const ada = await addUser(workbench, { email: 'ada@example.com', password: 'correct horse' })
  const bob = await addUser(workbench, { email: 'bob@example.com', password: 'correct horse' })
  const session = 's'.repeat(22)
  const ids = {
    adaOne: (await openFamily({ client: 'one', subject: ada.subject, session })).id,
    adaTwo: (await openFamily({ client: 'two', subject: ada.subject })).id,
    bobOne: (await openFamily({ client: 'one', subject: bob.subject })).id,
    bobTwo: (await openFamily({ client: 'two', subject: bob.subject })).id,
  }
  return { ...there, ids }
}

async function livingOf({ workbench, ids }: Awaited<ReturnType<typeof town>>): Promise<string[]> {
  const living: string[] = []
  for (const [name, id] of Object.entries(ids)) {
    if ((await showFamily(workbench, id)).overBecause === null) living.push(name)
  }
  return living
}

describe('a revocation', () => {
  it('of a user at a client forgets what was agreed to, unless it names a moment', async () => {
    const { workbench } = await town()
    const { subject } = await addUser(workbench, { email: 'eve@example.com', password: 'correct horse' })
    const clientId = 'one' as ClientId
    const input = { user: 'eve@example.com', client: 'one' }
    const remembered = async () => (await workbench.store.consents.read(subject, clientId))?.scopes ?? null
    await workbench.store.consents.save({ subject, clientId, scopes: ['openid'], givenAtMs: startsAtMs }, [])
    await carryOut(workbench, await planRevocation(workbench, { ...input, before: String(startsAtMs) }))
    assert.deepEqual(await remembered(), ['openid'])
    await carryOut(workbench, await planRevocation(workbench, input))
    assert.equal(await remembered(), null)
  })
  const targets: readonly (readonly [string, RevocationInput, readonly string[]])[] = [
    ['of a user', { user: 'ada@example.com' }, ['bobOne', 'bobTwo']],
    ['of a client', { client: 'one' }, ['adaTwo', 'bobTwo']],
    ['of a user at a client', { user: 'ada@example.com', client: 'one' }, ['adaTwo', 'bobOne', 'bobTwo']],
    ['of a session', { session: 's'.repeat(22) }, ['adaTwo', 'bobOne', 'bobTwo']],
    ['of a partner', { partner: 'acme' }, ['adaTwo', 'bobTwo']],
    ['of everyone', { all: true }, []],
  ]
  for (const [what, input, left] of targets) {
    it(`${what} ends exactly that, and says first how many`, async () => {
      const there = await town()
      const before = await livingOf(there)
      const plan = await planRevocation(there.workbench, input)
      assert.deepEqual(previewOf(plan), { families: before.length - left.length, dry_run: true, cutoff: null })
      assert.deepEqual(await livingOf(there), before)
      const result = await carryOut(there.workbench, plan)
      assert.equal(result.families, before.length - left.length)
      assert.match(result.cutoff ?? '', /^2027-01-05T12:00:00\.\d{3}Z$/)
      assert.deepEqual(await livingOf(there), left)
    })
  }

  it('of one family is a step with one event, and nothing the second time', async () => {
    const there = await town()
    const { workbench, ids } = there
    const family = ids['adaOne'] ?? ''
    const result = await carryOut(workbench, await planRevocation(workbench, { family }))
    assert.deepEqual(result, { families: 1, dry_run: false, cutoff: null })
    assert.deepEqual(await livingOf(there), ['adaTwo', 'bobOne', 'bobTwo'])
    const again = await carryOut(workbench, await planRevocation(workbench, { family }))
    assert.equal(again.families, 0)
    const shown = await showFamily(workbench, family)
    assert.deepEqual(
      [shown.status, shown.family.end?.reason, shown.family.end?.by],
      ['ended', 'revoked_by_operator', 'olga'],
    )
    const events = await workbench.store.events.ofFamily(shown.family.id, 10)
    assert.equal(events.filter(event => event.kind === 'family_ended').length, 1)
  })

  it('RV-17 before an instant ends what stood before it and nothing that stands on it', async () => {
    const there = await town()
    there.advanceSeconds(1)
    const later = await there.openFamily({ client: 'two' })
    there.advanceSeconds(1)
    const plan = await planRevocation(there.workbench, { all: true, before: String(startsAtMs + 1000) })
    const result = await carryOut(there.workbench, plan)
    assert.deepEqual(result, { families: 4, dry_run: false, cutoff: '2027-01-05T12:00:01.000Z' })
    assert.deepEqual(await livingOf(there), [])
    assert.equal((await showFamily(there.workbench, later.id)).overBecause, null)
  })

  it('leaves one event with the name of the operator and the number', async () => {
    const { workbench } = await town()
    await carryOut(workbench, await planRevocation(workbench, { client: 'one', reason: 'leaked' }))
    const [event] = (await workbench.store.events.latest(100)).filter(({ kind }) => kind === 'cut_off_set')
    assert.equal(event?.clientId, 'one')
    assert.deepEqual([event.detail['by'], event.detail['reason'], event.detail['families']], ['olga', 'leaked', 2])
  })
})

describe('a revocation is refused', () => {
  const refused: readonly (readonly [string, RevocationInput, string, RegExp])[] = [
    ['of nothing', {}, 'InputRefused', /Say what to revoke/],
    ['of a family and a user', { family: 'x', user: 'y' }, 'InputRefused', /do not go together/],
    ['of everyone at a client', { all: true, client: 'one' }, 'InputRefused', /do not go together/],
    ['of a family before an instant', { family: 'x', before: '1' }, 'InputRefused', /ends as a whole/],
    ['before what is no instant', { all: true, before: 'yesterday' }, 'InputRefused', /is an instant/],
    [
      'before an instant without a time zone',
      { all: true, before: '2026-01-01T00:00:00' },
      'InputRefused',
      /is an instant/,
    ],
    ['before the future', { all: true, before: '2099-01-01T00:00:00Z' }, 'InputRefused', /in the future/],
    ['of an unknown user', { user: 'eve@example.com' }, 'AdminRefused', /no user/],
    ['of an unknown client', { client: 'three' }, 'AdminRefused', /no client/],
    ['of an unknown family', { family: 'x' }, 'AdminRefused', /no family/],
    ['of an unknown partner', { partner: 'none' }, 'AdminRefused', /No client has the partner/],
    ['of what is no session', { session: 'x' }, 'InputRefused', /session id/],
    [
      'RV-04 of a known user at an unknown client',
      { user: 'ada@example.com', client: 'three' },
      'AdminRefused',
      /no client/,
    ],
    [
      'RV-04 of an unknown user at a known client',
      { user: 'eve@example.com', client: 'one' },
      'AdminRefused',
      /no user/,
    ],
    ['with a reason that is no line of text', { all: true, reason: 'a\nb' }, 'InputRefused', /control character/],
  ]
  for (const [what, input, name, message] of refused) {
    it(`${what}, and nothing changes`, async () => {
      const there = await town()
      await assert.rejects(planRevocation(there.workbench, input), { name, message })
      assert.equal((await livingOf(there)).length, 4)
    })
  }
})
