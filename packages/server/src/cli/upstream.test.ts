import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { runHere } from './fixture.test.ts'

function dataOf(test: TestContext): readonly string[] {
  const home = mkdtempSync(join(tmpdir(), 'pawl-upstream-'))
  test.after(() => rmSync(home, { recursive: true }))
  return ['--data', join(home, 'data')]
}

const add = ['upstream', 'add', 'acme', '--issuer', 'https://login.acme.example', '--client-id', 'pawl']

describe('pawl upstream', () => {
  it('adds, lists and removes a provider, and prints its secret nowhere', async test => {
    const data = dataOf(test)
    const added = await runHere([...add, '--client-secret-stdin', ...data, '--json'], { stdin: 'hunter2-hunter2\n' })
    assert.deepEqual([added.exitCode, added.err], [0, ''])
    const listed = await runHere(['upstream', 'list', ...data])
    assert.match(listed.out, /acme +acme +https:\/\/login\.acme\.example +no/)
    for (const { out } of [added, listed]) assert.doesNotMatch(out, /hunter2/)
    assert.equal((await runHere(['upstream', 'remove', 'acme', ...data])).exitCode, 0)
    assert.deepEqual(JSON.parse((await runHere(['upstream', 'list', ...data, '--json'])).out), [])
  })

  it('takes no secret as an argument, and no issuer that anybody could listen to', async test => {
    const data = dataOf(test)
    assert.equal((await runHere([...add, '--client-secret', 'hunter2', ...data])).exitCode, 2)
    const plain = ['upstream', 'add', 'acme', '--issuer', 'http://login.acme.example', '--client-id', 'pawl']
    const { exitCode, err } = await runHere([...plain, ...data])
    assert.notEqual(exitCode, 0)
    assert.match(err, /https URL/)
  })
})
