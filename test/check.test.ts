/** `pawl check`: its clauses name tests, and every one of those is there; the last of them is here. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { checkedProfiles } from '../packages/server/src/admin/check/check.ts'
import { requirementsAreProven } from '../tools/requirements.ts'
import { repositoryFiles } from '../tools/tidy.ts'
import { openStage } from './stage/stage.ts'

const files = repositoryFiles(join(import.meta.dirname, '..')).filter(({ path }) => !path.startsWith('docs/'))

describe('a clause of pawl check that no configuration can break', () => {
  for (const [name, { clauses }] of Object.entries(checkedProfiles)) {
    it(`names tests that are there, in ${name}`, () => {
      const rows = clauses.flatMap(clause => {
        return 'always' in clause ? [`| ${clause.clause} | ${clause.demand} | ${clause.always.tests.join('; ')} |`] : []
      })
      assert.ok(rows.length > 0)
      const table = ['| Clause | What is asked | Test |', '|---|---|---|', ...rows].join('\n')
      const found = requirementsAreProven([...files, { path: 'docs/requirements-check.md', text: table }])
      assert.deepEqual(found, [])
    })
  }
})

describe('a token in a client’s own name', () => {
  it('is nothing for a public client, which has none of its own', async test => {
    const stage = await openStage()
    test.after(() => stage.close())
    const phone = { id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }
    const answer = await stage.app(await stage.addClient(phone)).post('/token', { grant_type: 'client_credentials' })
    const { error } = (await answer.json()) as { readonly error?: string }
    assert.deepEqual([answer.status, error], [400, 'unauthorized_client'])
  })
})
