import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  areWithin,
  type AuthorizationDetail,
  authorizationDetailsMax,
  detailsFor,
  judgeDetail,
  parseDetails,
} from './authorization-details.ts'
import type { DetailsType } from './details-type.ts'

const detail = { type: 'files', locations: ['https://a.example/'], actions: ['read', 'write'], path: '/home', depth: 2 }

describe('authorization details', () => {
  it('are an array of objects, each with a type', () => {
    assert.deepEqual(parseDetails('[{"type":"a"},{"type":"b","x":1}]'), [{ type: 'a' }, { type: 'b', x: 1 }])
    const many = JSON.stringify(new Array(authorizationDetailsMax).fill({ type: 'a' }))
    assert.equal(parseDetails(many)?.length, authorizationDetailsMax)
    const wrong = ['', 'x', '{}', '[]', 'null', '"a"', '[1]', '[null]', '[[]]', '[{}]', '[{"type":1}]', '[{"type":"a"}']
    for (const text of [...wrong, many.replace('[', '[{"type":"a"},')]) assert.equal(parseDetails(text), null, text)
  })

  it('are within themselves, and within a longer list of grants', () => {
    assert.equal(areWithin([detail], [detail]), true)
    assert.equal(areWithin([detail], [{ type: 'other' }, detail]), true)
    assert.equal(areWithin([], [detail]), true)
    assert.equal(areWithin([detail], []), false)
  })

  it('are there as often as they were granted, and no more often', () => {
    const [one, again] = [detail, { ...detail }]
    assert.equal(areWithin([one, again], [detail]), false)
    assert.equal(areWithin([one, again], [detail, { ...detail }]), true)
    assert.equal(areWithin([one, again, { ...detail }], [detail, { ...detail }]), false)
    const [wide, narrow] = [detail, { ...detail, actions: ['read'] }]
    assert.equal(areWithin([{ ...narrow }, { ...wide }], [wide, narrow]), true, 'the narrow one gives way')
    assert.equal(areWithin([{ ...wide }, { ...wide }], [wide, narrow]), false)
    assert.equal(areWithin([{ ...narrow }, { ...narrow }], [wide, narrow]), true)
  })

  it('are less with fewer words in a list, and with nothing else', () => {
    const less: readonly AuthorizationDetail[] = [
      { ...detail, actions: ['read'] },
      { ...detail, actions: ['write', 'read'] },
      { ...detail, actions: ['read', 'read'] },
    ]
    for (const each of less) assert.equal(areWithin([each], [detail]), true, JSON.stringify(each))
    const more: readonly AuthorizationDetail[] = [
      { ...detail, actions: [] },
      { ...detail, actions: ['read', 'delete'] },
      { ...detail, actions: 'read' },
      { ...detail, actions: [1] },
      { ...detail, depth: 1 },
      { ...detail, depth: '2' },
      { ...detail, path: '/' },
      { ...detail, path: null },
      { ...detail, path: ['/home'] },
      { ...detail, more: undefined },
      { type: 'files', actions: ['read'], path: '/home', depth: 2 },
      { ...detail, type: 'other' },
    ]
    for (const each of more) assert.equal(areWithin([each], [detail]), false, JSON.stringify(each))
  })

  it('compare lists of anything else item by item, and objects member by member', () => {
    const granted = {
      type: 'a',
      items: [
        { id: 1, tags: ['x', 'y'] },
        { id: 2, tags: [] },
      ],
    }
    const inside = {
      type: 'a',
      items: [
        { id: 1, tags: ['y'] },
        { id: 2, tags: [] },
      ],
    }
    assert.equal(areWithin([inside], [granted]), true)
    const outside = [
      [{ id: 1, tags: ['x'] }],
      [
        { id: 2, tags: [] },
        { id: 1, tags: ['x'] },
      ],
      [],
      [1, 2],
    ]
    for (const items of outside)
      assert.equal(areWithin([{ type: 'a', items }], [granted]), false, JSON.stringify(items))
  })

  it('are told to the resource they name, or to all where they name none', () => {
    const [here, there, anywhere] = [detail, { ...detail, locations: ['https://b.example/'] }, { type: 'x' }]
    const all = [here, there, anywhere]
    assert.deepEqual(detailsFor(all, []), all)
    assert.deepEqual(detailsFor(all, ['https://a.example/']), [here, anywhere])
    assert.deepEqual(detailsFor(all, ['https://a.example/', 'https://b.example/']), all)
    assert.deepEqual(detailsFor(all, ['https://c.example/']), [anywhere])
  })

  it('name only places that their type is for', () => {
    const known: DetailsType = {
      type: 'files',
      sentence: 'Use your files',
      resources: ['https://a.example/'],
      schema: { type: 'object', properties: { locations: { type: 'array', items: { type: 'string' } } } },
      createdAtMs: 0,
    }
    const at = (...locations: string[]) => ({ type: 'files', locations })
    assert.equal(judgeDetail(at('https://a.example/'), known), null)
    assert.equal(judgeDetail({ type: 'files' }, known), null)
    assert.match(judgeDetail(at('https://a.example/', 'https://b.example/'), known) ?? '', /a place it is not for/)
    assert.equal(judgeDetail(at('https://b.example/'), { ...known, resources: [] }), null)
    assert.match(judgeDetail({ type: 'files', x: 1 }, known) ?? '', /not known/)
  })
})
