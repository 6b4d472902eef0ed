import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { openAdapterDatabase } from './adapter.ts'

for (const committing of ['together', 'alone'] as const) {
  describe(`the oidc-provider adapter, writes committed ${committing}`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'pawl-adapter-'))
    const database = openAdapterDatabase(join(directory, 'adapter.sqlite'), committing)
    after(async () => {
      await database.close()
      rmSync(directory, { recursive: true, force: true })
    })

    it('finds what was saved, by id, uid and user code, and nothing else', async () => {
      const sessions = database.adapter('Session')
      await sessions.upsert('s1', { jti: 's1', uid: 'u1' }, 60)
      assert.deepEqual(await sessions.find('s1'), { jti: 's1', uid: 'u1' })
      assert.deepEqual(await sessions.findByUid('u1'), { jti: 's1', uid: 'u1' })
      const codes = database.adapter('DeviceCode')
      await codes.upsert('d1', { userCode: 'ABCD' }, 60)
      assert.deepEqual(await codes.findByUserCode('ABCD'), { userCode: 'ABCD' })
      assert.equal(await codes.find('s1'), undefined)
    })

    it('replaces what is saved again and marks what is consumed', async () => {
      const tokens = database.adapter('RefreshToken')
      await tokens.upsert('r1', { grantId: 'g1', scope: 'a' }, 60)
      await tokens.upsert('r1', { grantId: 'g1', scope: 'b' }, 60)
      assert.deepEqual(await tokens.find('r1'), { grantId: 'g1', scope: 'b' })
      await tokens.consume('r1')
      assert.equal(typeof (await tokens.find('r1'))?.consumed, 'number')
    })

    it('destroys one, and all of a grant', async () => {
      const tokens = database.adapter('RefreshToken')
      await Promise.all(['x', 'y', 'z'].map(id => tokens.upsert(id, { grantId: id === 'z' ? 'g3' : 'g2' }, 60)))
      await tokens.revokeByGrantId('g2')
      assert.deepEqual(await Promise.all(['x', 'y'].map(id => tokens.find(id))), [undefined, undefined])
      await tokens.destroy('z')
      assert.equal(await tokens.find('z'), undefined)
    })

    it('lets a bad write fail alone', async () => {
      const tokens = database.adapter('RefreshToken')
      const bad = tokens.upsert('bad', { uid: { not: 'a string' } as unknown as string }, 60)
      const good = tokens.upsert('good', { scope: 'a' }, 60)
      await assert.rejects(bad)
      await good
      assert.deepEqual(await tokens.find('good'), { scope: 'a' })
    })
  })
}
