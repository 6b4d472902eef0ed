import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bench } from './fixture.test.ts'
import { addUser, countFamiliesOfUser, disableUser, enableUser, listUsers, resetPassword, userJson } from './users.ts'

const ada = { email: 'ada@example.com', password: 'correct horse', claims: { given_name: 'Ada' } }

describe('users', () => {
  it('are added with their claims and shown without their password', async () => {
    const { workbench } = await bench()
    const user = await addUser(workbench, ada)
    const json = userJson(user)
    assert.deepEqual([json['email'], json['email_verified'], json['claims']], ['ada@example.com', false, ada.claims])
    assert.equal(JSON.stringify(json).includes('argon2'), false)
    assert.deepEqual(await listUsers(workbench), [user])
  })

  const refused: readonly (readonly [string, object, string, RegExp])[] = [
    ['an address that is none', { email: 'ada' }, 'InputRefused', /no e-mail/],
    ['a short password', { password: 'short' }, 'InputRefused', /at least 8/],
    ['a claim the server makes itself', { claims: { sub: 'x' } }, 'InputRefused', /sub: leave it out/],
    ['claims without end', { claims: { note: 'x'.repeat(20_000) } }, 'InputRefused', /16384 characters/],
    ['a field nobody knows', { colour: 'red' }, 'InputRefused', /colour/],
  ]
  for (const [what, changes, name, message] of refused) {
    it(`are refused with ${what}`, async () => {
      const { workbench } = await bench()
      await assert.rejects(addUser(workbench, { ...ada, ...changes }), { name, message })
      assert.deepEqual(await listUsers(workbench), [])
    })
  }

  it('are refused where the address reads like one that is taken', async () => {
    const { workbench } = await bench()
    await addUser(workbench, ada)
    await assert.rejects(addUser(workbench, { ...ada, email: 'ＡＤＡ@example.com' }), { name: 'AdminRefused' })
  })

  it('lose every session when they are disabled, and enabling brings none back', async () => {
    const { workbench, openFamily, use } = await bench()
    const { subject } = await addUser(workbench, ada)
    const family = await openFamily({ subject })
    assert.equal(await countFamiliesOfUser(workbench, 'ada@example.com'), 1)
    assert.equal((await disableUser(workbench, subject)).disabled, true)
    assert.equal((await enableUser(workbench, 'ada@example.com')).disabled, false)
    assert.equal((await use(family.id, { generation: 1 })).verdict.kind, 'refused')
  })

  it('lose every session with a new password', async () => {
    const { workbench, openFamily, use } = await bench()
    const { subject } = await addUser(workbench, ada)
    const family = await openFamily({ subject })
    const changed = await resetPassword(workbench, 'ada@example.com', 'another horse')
    assert.equal(await workbench.passwords.verify(changed.passwordHash, 'another horse'), 'right')
    assert.equal((await use(family.id, { generation: 1 })).verdict.kind, 'refused')
    await assert.rejects(resetPassword(workbench, subject, 'short'), { name: 'InputRefused' })
    await assert.rejects(resetPassword(workbench, 'eve@example.com', 'long enough'), { name: 'AdminRefused' })
  })
})
