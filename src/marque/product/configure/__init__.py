"""Configuring a car: every click answered exactly, refused with the reason, and repaired at the least cost."""

from marque.product.configure.decisions import Conflict as Conflict
from marque.product.configure.decisions import Decision as Decision
from marque.product.configure.decisions import NoCar as NoCar
from marque.product.configure.decisions import Verb as Verb
from marque.product.configure.explain import conflict as conflict
from marque.product.configure.explain import why as why
from marque.product.configure.given import chosen as chosen
from marque.product.configure.given import excluded as excluded
from marque.product.configure.given import on_day as on_day
from marque.product.configure.product import Product as Product
from marque.product.configure.product import load as load
from marque.product.configure.product import reasoner_of as reasoner_of
from marque.product.configure.repair import Limits as Limits
from marque.product.configure.repair import Repair as Repair
from marque.product.configure.repair import repairs as repairs
from marque.product.configure.session import Answer as Answer
from marque.product.configure.session import Changes as Changes
from marque.product.configure.session import Configuration as Configuration
from marque.product.configure.session import Standing as Standing
from marque.product.configure.session import begin as begin
from marque.product.configure.session import click as click
