import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FamilyId } from '@pawl/family'
import fc from 'fast-check'
import { newFamilyId } from '../identifiers.ts'
import { goldenKeys, keysNamed, seededEntropy } from '../keys/fixture.test.ts'
import { familyHandle } from './family-handle.ts'

const familyId = '018f3c2a-7b11-7c44-8d55-1e2f3a4b5c6d' as FamilyId
const golden = 'B_cuNwpFocw-n39lJUt7ZXE'

describe('familyHandle', () => {
  it('keeps its format: one AES-256 block as OpenSSL’s command line computes it', () => {
    const handles = familyHandle(goldenKeys)
    assert.equal(handles.make(familyId), golden)
    assert.equal(handles.open(golden), familyId)
  })

  it('opens what it made, in any order and however often', () => {
    const handles = familyHandle(keysNamed(1))
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 10 }), times => {
        const entropy = seededEntropy(times.join())
        const ids = times.map(nowMs => newFamilyId(nowMs, entropy))
        const made = ids.map(id => handles.make(id))
        assert.deepEqual(
          made.toReversed().map(handle => handles.open(handle)),
          ids.toReversed(),
        )
        assert.deepEqual(
          ids.map(id => handles.make(id)),
          made,
        )
      }),
    )
  })

  it('knows every name that tokens may carry: one under each master key, that of new tokens first', () => {
    const [old, both] = [familyHandle(keysNamed(1)), familyHandle(keysNamed(2, 1))]
    assert.deepEqual(old.all(familyId), [old.make(familyId)])
    assert.deepEqual(both.all(familyId), [both.make(familyId), old.make(familyId)])
    for (const handle of both.all(familyId)) assert.equal(both.open(handle), familyId)
  })

  it('says nothing about time or order: handles of neighbours share no more than chance', () => {
    const handles = familyHandle(goldenKeys)
    const next = `${familyId.slice(0, -1)}e` as FamilyId
    const distance = Buffer.from(handles.make(next), 'base64url').filter(
      (byte, at) => byte === Buffer.from(golden, 'base64url')[at],
    )
    // The key id is the same; of the 16 bytes under the cipher at most a few agree by chance.
    assert.ok(distance.length <= 4)
  })

  it('JW-11 refuses every text but the canonical one', () => {
    const handles = familyHandle(goldenKeys)
    for (const text of [
      '',
      golden.slice(1),
      `${golden}A`,
      `${golden}=`,
      ` ${golden.slice(1)}`,
      golden.replace('-', '+'),
      `${golden.slice(0, -1)}F`,
    ]) {
      assert.equal(handles.open(text), null, text)
    }
  })

  it('refuses a block that is no family id, and never throws', () => {
    const handles = familyHandle(goldenKeys)
    const notVersion7 = handles.make('018f3c2a-7b11-4c44-8d55-1e2f3a4b5c6d' as FamilyId)
    assert.equal(handles.open(notVersion7), null)
    const opened = Array.from({ length: 1000 }, (_, at) =>
      handles.open(Buffer.concat([Uint8Array.of(7), seededEntropy(`${at}`).bytes(16)]).toString('base64url')),
    )
    // Version and variant are six bits: one random block in 64 looks like an id, and names no family.
    assert.ok(opened.filter(id => id !== null).length < 60)
  })

  it('opens handles of every key that is kept, and of none that is gone', () => {
    const handle = familyHandle(keysNamed(1)).make(familyId)
    assert.equal(familyHandle(keysNamed(2, 1)).open(handle), familyId)
    assert.equal(familyHandle(keysNamed(2)).open(handle), null)
    assert.equal(Buffer.from(familyHandle(keysNamed(2, 1)).make(familyId), 'base64url')[0], 2)
  })

  it('makes none for what is no UUID', () => {
    assert.throws(() => familyHandle(goldenKeys).make('family' as FamilyId), RangeError)
  })
})
