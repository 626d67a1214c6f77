"""Prices: versioned lists and tax rules per market, breakdowns that explain every line, quotes that reproduce for ever."""

from marque.product.buildable import incomplete
from marque.product.prices.archive import Archive, FolderArchive, MemoryArchive
from marque.product.prices.book import Book, read_book, read_folder
from marque.product.prices.changes import Change, changes
from marque.product.prices.engines import CURRENT, ENGINES, price
from marque.product.prices.model import Breakdown, Line, LineKind, PriceList, Purchase, TaxRules
from marque.product.prices.money import Money
from marque.product.prices.quotes import Quote, Sources, by_link, quote, requote
from marque.product.prices.reading import price_list, tax_rules, unknown_names, unpriced
from marque.product.prices.terms import FeaturePrices, Term, evaluation, list_units, list_units_of, minor_units, price_terms

__all__ = [
    "CURRENT",
    "ENGINES",
    "Archive",
    "Book",
    "Breakdown",
    "Change",
    "FeaturePrices",
    "FolderArchive",
    "Line",
    "LineKind",
    "MemoryArchive",
    "Money",
    "PriceList",
    "Purchase",
    "Quote",
    "Sources",
    "TaxRules",
    "Term",
    "by_link",
    "changes",
    "evaluation",
    "incomplete",
    "list_units",
    "list_units_of",
    "minor_units",
    "price",
    "price_list",
    "price_terms",
    "quote",
    "read_book",
    "read_folder",
    "requote",
    "tax_rules",
    "unknown_names",
    "unpriced",
]
