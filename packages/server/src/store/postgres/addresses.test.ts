import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { StoreRefused } from '../../domain/store.ts'
import { addressesMax, addressesOf } from './addresses.ts'

function urlsOf(url: string): readonly string[] {
  return addressesOf(url).map(address => address.url)
}

describe('the servers of a database URL', () => {
  it('are one for a plain URL', () => {
    assert.deepEqual(addressesOf('postgres://pawl:secret@db.example:5433/pawl?sslmode=verify-full'), [
      { name: 'db.example:5433', url: 'postgres://pawl:secret@db.example:5433/pawl?sslmode=verify-full' },
    ])
  })
  it('are several in the order given, each with everything else of the URL', () => {
    assert.deepEqual(urlsOf('postgresql://u:p%40ss@a:5432,b,[::1]:5433/name?target_session_attrs=read-write'), [
      'postgresql://u:p%40ss@a:5432/name',
      'postgresql://u:p%40ss@b/name',
      'postgresql://u:p%40ss@[::1]:5433/name',
    ])
  })
  it('is the one behind a socket where no host is named', () => {
    assert.deepEqual(addressesOf('postgres:///name?host=/run/postgresql'), [
      { name: 'the local server', url: 'postgres:///name?host=%2Frun%2Fpostgresql' },
    ])
  })
  it('are not asked of a URL that wants anything but a primary', () => {
    assert.throws(() => addressesOf('postgres://a,b/name?target_session_attrs=standby'), StoreRefused)
    assert.throws(() => addressesOf('postgres://a,b/name?target_session_attrs=prefer-standby'), StoreRefused)
    assert.equal(urlsOf('postgres://a,b/name?target_session_attrs=primary').length, 2)
  })
  it('prove who they are wherever the URL asks for encryption, whatever else it says', () => {
    for (const asked of ['require', 'verify-ca&sslrootcert=ca.pem', 'verify-full', 'require&uselibpqcompat=true']) {
      const [url = ''] = urlsOf(`postgres://a/name?sslmode=${asked}`)
      const parameters = new URL(url).searchParams
      assert.deepEqual([parameters.get('sslmode'), parameters.get('uselibpqcompat')], ['verify-full', null], asked)
    }
    assert.deepEqual(urlsOf('postgres://a/name?sslmode=disable'), ['postgres://a/name?sslmode=disable'])
  })
  it('are not more than are ever tried', () => {
    const hosts = (count: number) => Array.from({ length: count }, (_, at) => `h${at}`).join(',')
    assert.equal(urlsOf(`postgres://${hosts(addressesMax)}/name`).length, addressesMax)
    assert.throws(() => addressesOf(`postgres://${hosts(addressesMax + 1)}/name`), StoreRefused)
  })
  for (const url of ['mysql://u:hunter2@a/name', 'postgres://u:hunter2@a:port/name', 'postgres//u:hunter2@a', '']) {
    it(`are refused without showing the URL, as in ${JSON.stringify(url.replace('hunter2', 'PASSWORD'))}`, () => {
      assert.throws(
        () => addressesOf(url),
        (error: unknown) => error instanceof StoreRefused && !inspect(error).includes('hunter2'),
      )
    })
  }
})
