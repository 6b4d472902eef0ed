import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { feedReadersMax, feedReadersPerClientMax, readerSeats } from './reader-seats.ts'

const api = 'api' as ClientId

describe('the seats of readers', () => {
  it('are so many for each client, and free again when one leaves', () => {
    const seats = readerSeats(1)
    const leaves = Array.from({ length: feedReadersPerClientMax }, () => seats.take(api))
    assert.equal(seats.take(api), 'too many of this client')
    assert.equal(typeof seats.take('other' as ClientId), 'function')
    const [first] = leaves
    assert.ok(typeof first === 'function')
    first()
    assert.equal(typeof seats.take(api), 'function')
    assert.equal(seats.take(api), 'too many of this client')
  })

  it('are divided among the threads of a node', () => {
    const seats = readerSeats(2)
    for (let taken = 0; taken < feedReadersMax / 2; taken++) {
      const isOwn = taken < feedReadersPerClientMax / 2
      assert.equal(typeof seats.take(isOwn ? api : (`client-${taken}` as ClientId)), 'function')
    }
    assert.equal(seats.take('one-more' as ClientId), 'too many')
    assert.equal(seats.take(api), 'too many of this client')
  })
})
