import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Durability, demandedStandbys, lossesOf, parseDurability } from './durability.ts'

const good: Durability = {
  recovering: false,
  readOnly: false,
  fsync: 'on',
  fullPageWrites: 'on',
  synchronousCommit: 'on',
  synchronousStandbyNames: '',
}

describe('the settings of a server', () => {
  it('are read from one text, whatever the names of the standbys are', () => {
    assert.deepEqual(parseDurability('f off on on on '), good)
    const names = 'FIRST 1 (a, "b c")'
    assert.deepEqual(parseDurability(`t on off on remote_apply ${names}`), {
      recovering: true,
      readOnly: true,
      fsync: 'off',
      fullPageWrites: 'on',
      synchronousCommit: 'remote_apply',
      synchronousStandbyNames: names,
    })
  })
  it('lose nothing as they are by default', () => {
    assert.deepEqual(lossesOf(good, { syncStandbysMin: 0 }), [])
  })
  for (const [setting, changes] of [
    ['fsync', { fsync: 'off' }],
    ['full_page_writes', { fullPageWrites: 'off' }],
    ['synchronous_commit', { synchronousCommit: 'off' }],
  ] as const) {
    it(`lose with ${setting} off, and the sentence says what to change`, () => {
      const [loss, ...others] = lossesOf({ ...good, ...changes }, { syncStandbysMin: 0 })
      assert.deepEqual(others, [])
      assert.match(loss ?? '', new RegExp(`set ${setting} = on`))
    })
  }
  it('must name as many standbys as are needed, and wait until those have written', () => {
    const losses = (synchronousStandbyNames: string, synchronousCommit: string) =>
      lossesOf({ ...good, synchronousStandbyNames, synchronousCommit }, { syncStandbysMin: 2 }).length
    assert.equal(losses('ANY 2 (a, b, c)', 'on'), 0)
    assert.equal(losses('ANY 2 (a, b, c)', 'remote_apply'), 0)
    assert.equal(losses('ANY 1 (a, b, c)', 'on'), 1)
    assert.equal(losses('', 'on'), 1)
    assert.equal(losses('ANY 2 (a, b, c)', 'remote_write'), 1)
    assert.equal(losses('ANY 2 (a, b, c)', 'local'), 1)
  })
})

describe('the standbys a COMMIT waits for', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['', 0],
    ['  ', 0],
    ['a', 1],
    ['*', 1],
    ['a, b', 1],
    ['"FIRST 2 (x)"', 1],
    ['FIRST 2 (a, b, c)', 2],
    ['first 1 (a)', 1],
    ['ANY 3 (*)', 3],
    ['any  2(a,b)', 2],
    ['2 (a, b)', 2],
  ]
  for (const [names, count] of cases) {
    it(`are ${count} of '${names}'`, () => assert.equal(demandedStandbys(names), count))
  }
})
