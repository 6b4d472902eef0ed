import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startCluster } from '../../../../../test/postgres/cluster.ts'
import { startStandby } from '../../../../../test/postgres/standby.ts'
import { StoreRefused } from '../../domain/store.ts'
import { addressesOf } from './addresses.ts'
import { connector, eachOnce, warningsToldMax } from './connect.ts'
import { postgresDialect } from './dialect.ts'

describe('warnings of connections', () => {
  it('are told once each, and remembered up to a limit', () => {
    const told: string[] = []
    const report = eachOnce(warning => told.push(warning))
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < warningsToldMax; index++) report(`warning ${index}`)
    }
    assert.equal(told.length, warningsToldMax)
    report('one more')
    report('one more')
    assert.deepEqual(told.slice(warningsToldMax), ['one more'])
    report('warning 0')
    assert.equal(told.at(-1), 'warning 0')
  })
})

describe('a connection to a primary of old', () => {
  it('does not count any more once a promoted server was met, though that one is refused', async test => {
    const primary = await startCluster()
    test.after(() => primary.remove())
    const standby = await startStandby(primary)
    test.after(() => standby.remove())
    const { host } = new URL(primary.url)
    const connect = connector({
      addresses: addressesOf(primary.url.replace(host, `${host},127.0.0.1:${standby.port}`)),
      prepare: postgresDialect(true),
      // The promoted one has no standby of its own yet.
      needs: { syncStandbysMin: 1 },
      allowLosingRotations: false,
      report: () => undefined,
    })
    const old = await connect(null)
    test.after(() => old.session.end())
    assert.equal(old.isCurrent(), true)
    await standby.promote()
    await assert.rejects(connect(null), StoreRefused)
    assert.equal(old.isCurrent(), false)
    assert.equal(old.session.isOpen(), true)
  })
})
