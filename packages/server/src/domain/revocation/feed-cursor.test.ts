import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { seededEntropy } from '../../store/contract/fixture.test.ts'
import { masterKeys, newMasterKey } from '../keys/master-keys.ts'
import { feedCursors } from './feed-cursor.ts'

const api = 'api' as ClientId
const place = 1_800_000_000_123_999
const keys = [newMasterKey(seededEntropy('one'), 1), newMasterKey(seededEntropy('two'), 2)] as const

describe('a cursor of the feed', () => {
  it('is opened by whoever it was made for, and by nobody else', () => {
    const cursors = feedCursors(masterKeys([keys[0]]))
    const cursor = cursors.make(api, place)
    assert.equal(cursors.open(api, cursor), place)
    assert.equal(cursors.open('other' as ClientId, cursor), null)
    assert.equal(feedCursors(masterKeys([keys[1]])).open(api, cursor), null)
  })

  it('is opened after the master key was replaced, for as long as the old one is kept', () => {
    const cursor = feedCursors(masterKeys([keys[0]])).make(api, place)
    assert.equal(feedCursors(masterKeys([keys[1], keys[0]])).open(api, cursor), place)
  })

  it('is nothing once any character of it is another, or one too many', () => {
    const cursors = feedCursors(masterKeys([keys[0]]))
    const cursor = cursors.make(api, place)
    for (let at = 0; at < cursor.length; at++) {
      const changed = cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1)
      assert.equal(cursors.open(api, changed), null, changed)
    }
    for (const other of ['', ' ', cursor.slice(1), `${cursor}A`, `${cursor}=`, 'x'.repeat(8192), '\u0000']) {
      assert.equal(cursors.open(api, other), null, other)
    }
  })
})
