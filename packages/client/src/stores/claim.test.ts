import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { giveBack, isClaimedBy, tryClaim } from './claim.ts'

const never = (): boolean => false

describe('a claim', () => {
  it('is had by one, until it is given back', test => {
    const { path, root } = place(test)
    assert.equal(tryClaim(path, 'one', never), null)
    assert.equal(tryClaim(path, 'two', never), 'one')
    assert.ok(isClaimedBy(path, 'one'))
    assert.ok(giveBack(path, 'one'))
    assert.deepEqual(readdirSync(root), [])
    assert.equal(tryClaim(path, 'two', never), null)
  })

  it('is taken over from those it may be taken from', test => {
    const { path } = place(test)
    tryClaim(path, 'one', never)
    assert.equal(
      tryClaim(path, 'two', held => held === 'another'),
      'one',
    )
    assert.equal(
      tryClaim(path, 'two', held => held === 'one'),
      null,
    )
    assert.deepEqual(readdirSync(path), ['two'])
  })

  it('is not given back by who has lost it, nor twice', test => {
    const { path } = place(test)
    tryClaim(path, 'one', never)
    tryClaim(path, 'two', () => true)
    assert.equal(giveBack(path, 'one'), false)
    assert.ok(isClaimedBy(path, 'two'))
    assert.ok(giveBack(path, 'two'))
    assert.equal(giveBack(path, 'two'), false)
  })

  it('is taken over by one of those who saw the same mark', test => {
    const { path } = place(test)
    tryClaim(path, 'dead', never)
    // The second looks first, and acts when the first has long taken over, given back, and somebody else come.
    const second = tryClaim(path, 'second', held => {
      if (held !== 'dead') return false
      assert.equal(
        tryClaim(path, 'first', () => true),
        null,
      )
      assert.ok(giveBack(path, 'first'))
      assert.equal(tryClaim(path, 'third', never), null)
      return true
    })
    assert.equal(second, 'third')
    assert.deepEqual(readdirSync(path), ['third'])
  })

  it('is made where somebody died while giving it back', test => {
    const { path } = place(test)
    mkdirSync(path)
    assert.equal(tryClaim(path, 'one', never), null)
  })

  it('throws where the disk has something else in its place, and leaves nothing', test => {
    const { path, root } = place(test)
    writeFileSync(path, '')
    assert.throws(() => tryClaim(path, 'one', never), { code: 'ENOTDIR' })
    assert.ok(existsSync(path))
    assert.deepEqual(readdirSync(root), ['a.lock'])
  })
})

function place(test: TestContext): { readonly path: string; readonly root: string } {
  const root = mkdtempSync(join(tmpdir(), 'pawl-claim-'))
  test.after(() => rmSync(root, { recursive: true }))
  return { path: join(root, 'a.lock'), root }
}
