import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Html, html, render, verbatim } from './html.ts'

describe('html', () => {
  it('CK-16 escapes every value, for text and for quoted attributes alike', () => {
    const nasty = `<script>alert('x')</script>&amp;"`
    const expected = '&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;&quot;'
    assert.equal(render(html`<p title="${nasty}">${nasty}</p>`), `<p title="${expected}">${expected}</p>`)
  })

  it('nests its own markup, lists of it, numbers and nothing', () => {
    const items = ['<1>', '2'].map(text => html`<li>${text}</li>`)
    assert.equal(render(html`<ul>${items}</ul>${null}${7}`), '<ul><li>&lt;1&gt;</li><li>2</li></ul>7')
  })

  it('CK-16 takes nothing from outside for markup, whatever its shape', () => {
    const forged = JSON.parse('{"html":"<b>","toString":"<b>"}') as Html
    assert.equal(render(html`${forged}`).includes('<b>'), false)
  })

  it('leaves verbatim text as it is', () => {
    assert.equal(render(html`<style>${verbatim('a>b{content:"&"}')}</style>`), '<style>a>b{content:"&"}</style>')
  })

  it('escapes 1 MB of it', () => {
    assert.equal(render(html`${'<'.repeat(1_000_000)}`), '&lt;'.repeat(1_000_000))
  })
})
