import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openFamily } from '@pawl/family'
import { newFamily } from '../../store/contract/fixture.test.ts'
import { parseFamilyId } from '../identifiers.ts'
import { branchIdOf } from './branch-id.ts'

const atMs = Date.UTC(2027, 2, 2)
let drawn = 0
const entropy = { bytes: (count: number) => new Uint8Array(count).fill((drawn += 1)) }
const parent = newFamily(entropy, atMs)
const wish = { generation: 3, name: 'nightly', thumbprint: null }

describe('the id of a branch', () => {
  it('is the same for the same wish, and an id like every other, made when the parent rotated', () => {
    const rotated = { ...parent, rotatedAtMs: atMs + 5000 }
    const id = branchIdOf(rotated, wish)
    assert.equal(branchIdOf({ ...rotated, generation: 9, repeats: 7, usedAtMs: atMs + 9000 }, wish), id)
    assert.equal(parseFamilyId(id), id)
    assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), atMs + 5000)
  })

  it('is another for another parent, generation, name, key or time', () => {
    const ids = [
      branchIdOf(parent, wish),
      branchIdOf(newFamily(entropy, atMs), wish),
      branchIdOf(parent, { ...wish, generation: 4 }),
      branchIdOf(parent, { ...wish, name: 'nightly ' }),
      branchIdOf(parent, { ...wish, thumbprint: 'key' }),
      branchIdOf(parent, { ...wish, name: 'key:nightly' }),
      branchIdOf({ ...parent, rotatedAtMs: atMs + 1 }, wish),
    ]
    assert.equal(new Set(ids).size, ids.length)
  })

  it('is never the id of its parent', () => {
    assert.notEqual(branchIdOf(openFamily(parent, atMs), wish), parent.id)
  })
})
