"""A commented draft of a law pack, for a state's counsel to fill in."""

from datetime import date
from string import Template

_DRAFT = Template("""\
# What a gateway can decide of one law, for counsel to write and for officers to read. What follows a "#" is a note.
# A pack can only withhold: nothing in it can give anybody a field that no agreement shares.
# Check it with   gateway law lint $file
# It binds from the moment   gateway law add $file --as USER   has put it in force.
law: $id
title: What the law is called
jurisdiction: NY              # a state's two capital letters, or: federal
version: 1
effective: {from: $today}     # until: the last day it holds, if it has one
source: Where the law stands
binds: party                  # party: where a sender or recipient is of that state
                              # always: everywhere
                              # named: where the settings (law.packs) or an agreement (law_packs) name it
rules:
  # Each rule says in one sentence what it means, which fields it speaks of, and what it does.
  - id: never
    section: Law 1-1          # stands in the record beside every field withheld by it
    text: Nobody gets the photo of a person from a field contact.
    labels: [person.photo]    # "gateway iepd show EXCHANGE" lists them; medical.* is medical and all below it
    exchanges: [police-contact]
    withhold: always

  - id: unless
    section: Law 1-2
    text: Records of mental health go to nobody but a jail that cares for the person, or with the person's consent.
    labels: [medical.mental-health.*]
    # except: [medical.crisis]                  # labels the rule does not speak of
    # origins: [covered-entity, part2-program]  # where the data comes from; from nobody knows where counts as well,
    # origin_unknown: passes                    # but for this line
    # when: juvenile                            # a fact of the exchange, by its last word
    # to: [police, justice]                     # kinds of recipients it speaks of; justice: all of criminal justice
    # purposes: [officer-safety]                # clauses it speaks of
    # sender_duties: [victim-service-provider]  # senders it speaks of
    withhold:
      unless:                 # one of these grounds is enough; of each ground, everything it names must be so
        - {to: [jail, prison], purposes: [custody-safety, health-care]}
        - {consent: true}
        # - {duties: [cfr23]}                   # of the recipient
        # - {fact: reasonable-suspicion}        # where the field stands
        # - {labels: [medical.injury], purposes: [locate-or-identify]}

  # - id: whole
  #   section: Law 1-3
  #   text: The record of a juvenile goes to courts only; nobody else learns that there is one.
  #   labels: [juvenile.*]    # fields by which a record of an exchange can be one
  #   when: juvenile
  #   withhold_message: {unless: [{to: [court], purposes: [court-inquiry]}]}

  # - id: must
  #   section: Law 1-4
  #   text: Police get name and crime at least 48 hours before a release.
  #   to: [police, sheriff]
  #   purposes: [release-notification]
  #   labels: [person.name, offense.charge]
  #   mandate: at-least       # no-more: other fields need a basis of their own
  #   send_at_least: 48 hours
  #   before: release.scheduled

  # - id: handling
  #   section: Law 1-5
  #   text: Whoever gets it is told how to keep it, keeps it 90 days and passes nothing on.
  #   labels: [need.other]
  #   notice: "What the recipient must be told."
  #   keep_at_most: 90 days
  #   onward: none
""")


def draft(id: str, file: str, today: date) -> str:
    """The text of a new pack's file; it can be read as it is."""
    return _DRAFT.substitute(id=id, file=file, today=today.isoformat())
